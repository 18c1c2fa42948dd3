"""What a plain Python program does for one photo: imports, loads, answers once, ends.
Arguments: encoder checkpoint, folder of the converted gallery, photo."""
import json
import os
import sys

import numpy
import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image

checkpoint, model, path = sys.argv[1:4]
torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_grad_enabled(False)
mtcnn = MTCNN(image_size=240, margin=0, min_face_size=20)
encoder = InceptionResnetV1(pretrained=None).eval()
state = torch.load(checkpoint, map_location="cpu", weights_only=True)
encoder.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})
with open(os.path.join(model, "gallery.json")) as file:
    names = json.load(file)["names"]
gallery = numpy.fromfile(os.path.join(model, "gallery.bin"), dtype=numpy.float32).reshape(-1, 512)

face = mtcnn(Image.open(path).convert("RGB"))
embedding = encoder(face.unsqueeze(0))
distances = torch.linalg.vector_norm(torch.from_numpy(gallery) - embedding, dim=1)
print(f"{os.path.splitext(os.path.basename(path))[0]}:{names[int(distances.argmin())]}", flush=True)
