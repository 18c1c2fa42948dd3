"""facenet-pytorch on PyTorch, held warm: the pipeline that this project replaces, with everything that makes it
fast on a processor. Arguments: encoder checkpoint, folder of the converted gallery, float32 or bfloat16."""
import io
import json
import os
import sys
import time

import numpy
import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image

import party

checkpoint, model, precision = sys.argv[1:4]
torch.set_num_threads(party.THREADS)
torch.set_grad_enabled(False)

mtcnn = MTCNN(image_size=240, margin=0, min_face_size=20)
encoder = InceptionResnetV1(pretrained=None).eval()
state = torch.load(checkpoint, map_location="cpu", weights_only=True)
encoder.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})
half = precision == "bfloat16"
if half:
    encoder = encoder.to(memory_format=torch.channels_last)

with open(os.path.join(model, "gallery.json")) as file:
    names = json.load(file)["names"]
gallery = torch.from_numpy(
    numpy.fromfile(os.path.join(model, "gallery.bin"), dtype=numpy.float32).reshape(-1, 512)
)
prepared = {}


def encode(faces):
    if not half:
        return encoder(faces)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return encoder(faces.contiguous(memory_format=torch.channels_last)).float()


def embed(request):
    key = (request["faces"], request["count"])
    if key not in prepared:
        prepared[key] = torch.from_numpy(party.read_faces(*key))
    return party.embed_answer(encode, prepared[key], request["count"], request["times"])


def decode(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.load()
    return image


def read(path):
    with open(path, "rb") as file:
        return file.read()


def nearest(embedding):
    distances = torch.linalg.vector_norm(gallery - embedding, dim=1)
    least = torch.topk(distances, min(3, len(names)), largest=False)
    return names[int(least.indices[0])], float(least.values[0])


def photo(request):
    """All faces are found; with `all` all are embedded, else the largest, as `mtcnn(image)` does."""
    data = read(request["path"])
    t0 = time.perf_counter()
    image = decode(data)
    t1 = time.perf_counter()
    mtcnn.keep_all = request.get("all", False)
    faces = mtcnn(image)
    if faces is not None and faces.dim() == 3:
        faces = faces.unsqueeze(0)
    t2 = time.perf_counter()
    found = 0 if faces is None else len(faces)
    embeddings = encode(faces) if found else []
    t3 = time.perf_counter()
    people = [nearest(embedding) for embedding in embeddings]
    t4 = time.perf_counter()
    ms = lambda a, b: (b - a) * 1000
    return {
        "timings": {"decode": ms(t0, t1), "detect": ms(t1, t2), "embed": ms(t2, t3), "match": ms(t3, t4)},
        "whole": ms(t0, t4),
        "faces": found,
        "name": people[0][0] if people else None,
        "distance": people[0][1] if people else None,
        **({"embedding": embeddings[0].tolist()} if found else {}),
    }


def together(paths):
    """Several photos: decoded and searched one after the other, their faces embedded in one go."""
    mtcnn.keep_all = False
    faces = [face for face in (mtcnn(decode(read(path))) for path in paths) if face is not None]
    return [nearest(one) for one in encode(torch.stack(faces))] if faces else []


def photos(request):
    ms, _ = party.milliseconds(lambda: together(request["paths"]))
    return {"whole": ms}


def run(request):
    """Number of photos recognised in `seconds`, `batch` at a time."""
    paths, batch, done = request["paths"], request["batch"], 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < request["seconds"]:
        together([paths[(done + i) % len(paths)] for i in range(batch)])
        done += batch
    return {"photos": done, "seconds": time.perf_counter() - begun}


party.serve(
    {"embed": embed, "photo": photo, "photos": photos, "run": run},
    f"torch {torch.__version__}, facenet-pytorch 2.6.0",
)
