"""The pipeline of both Python services: facenet-pytorch on PyTorch, loaded once, threads as told."""
import io
import os

import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image


def load():
    """Returns a function from a photo's bytes to the nearest name."""
    torch.set_num_threads(int(os.environ["THREADS"]))
    mtcnn = MTCNN(image_size=240, margin=0, min_face_size=20)
    resnet = InceptionResnetV1().eval()
    checkpoint = os.path.join(os.environ["FACE_CHECKPOINTS"], os.environ["ENCODER"])
    resnet.load_state_dict(torch.load(checkpoint), strict=False)
    embeddings, names = torch.load(os.environ["GALLERY"])
    gallery = torch.stack([embedding.reshape(-1) for embedding in embeddings])

    def recognise(data):
        with torch.no_grad():
            face = mtcnn(Image.open(io.BytesIO(data)).convert("RGB"))
            if face is None:
                return "nobody"
            distances = (gallery - resnet(face.unsqueeze(0))).norm(dim=1)
            return names[int(distances.argmin())]

    return recognise
