"""PyPI's face_recognition on dlib as its users call it: all faces by HOG, a descriptor of each."""
import io
import time
from importlib.metadata import version

import dlib
import face_recognition

import party


def photo(request):
    with open(request["path"], "rb") as file:
        data = file.read()
    t0 = time.perf_counter()
    image = face_recognition.load_image_file(io.BytesIO(data))
    t1 = time.perf_counter()
    places = face_recognition.face_locations(image)
    t2 = time.perf_counter()
    wanted = places if request.get("all", False) else places[:1]
    encodings = face_recognition.face_encodings(image, wanted) if wanted else []
    t3 = time.perf_counter()
    if any(len(encoding) != 128 for encoding in encodings):
        raise ValueError("a face without a descriptor")
    ms = lambda a, b: (b - a) * 1000
    return {
        "timings": {"decode": ms(t0, t1), "detect": ms(t1, t2), "embed": ms(t2, t3), "match": 0},
        "whole": ms(t0, t3),
        "faces": len(places),
        "name": None,
        "distance": None,
        **({"embedding": encodings[0].tolist()} if encodings else {}),
    }


party.serve({"photo": photo}, f"face_recognition {version('face_recognition')}, dlib {dlib.__version__}")
