"""What facenet-pytorch answers for photos: every face, and the embedding of the largest. Once as it is, and once
with stable sorts, since NumPy orders equal scores at random. Arguments: encoder checkpoint; photos, one path a
line of standard input. Prints one JSON object a photo."""
import json
import os
import sys

import numpy
import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from facenet_pytorch.models import mtcnn as mtcnn_module
from facenet_pytorch.models.utils import detect_face
from PIL import Image

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_grad_enabled(False)
mtcnn = MTCNN(image_size=240, margin=0, min_face_size=20)
encoder = InceptionResnetV1(pretrained=None).eval()
state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
encoder.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})


class StableNumpy:
    """NumPy whose argsort leaves equal values in their order."""

    def __getattr__(self, name):
        return getattr(numpy, name)

    @staticmethod
    def argsort(values, *arguments, **options):
        return numpy.argsort(values, *arguments, **{**options, "kind": "stable"})


def faces_of(image):
    boxes, probabilities, landmarks = mtcnn.detect(image, landmarks=True)
    if boxes is None:
        return []
    return [
        {"box": box.tolist(), "probability": float(p), "landmarks": points.tolist()}
        for box, p, points in zip(boxes, probabilities, landmarks)
    ]


def embedding_of(image, faces):
    if not faces:
        return None
    face = mtcnn.extract(image, numpy.array([faces[0]["box"]]), None)
    return encoder(face.unsqueeze(0))[0].tolist()


def main():
    for line in sys.stdin:
        with open(line.rstrip("\n"), "rb") as file:
            image = Image.open(file).convert("RGB")
        faces = faces_of(image)
        detect_face.np = mtcnn_module.np = StableNumpy()
        stable = faces_of(image)
        detect_face.np = mtcnn_module.np = numpy
        answer = {"faces": faces, "stable": stable, "embedding": embedding_of(image, stable)}
        print(json.dumps(answer), flush=True)


main()
