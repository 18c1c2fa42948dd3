"""Writes the encoder as ONNX, any batch size. Arguments: encoder checkpoint, file to write."""
import os
import sys

import torch
from facenet_pytorch import InceptionResnetV1

checkpoint, out = sys.argv[1:3]
encoder = InceptionResnetV1(pretrained=None).eval()
state = torch.load(checkpoint, map_location="cpu", weights_only=True)
encoder.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})
part = out + ".part"
torch.onnx.export(
    encoder,
    (torch.zeros(2, 3, 240, 240),),
    part,
    input_names=["faces"],
    output_names=["embedding"],
    dynamic_axes={"faces": {0: "n"}, "embedding": {0: "n"}},
    opset_version=17,
    dynamo=False,
)
os.replace(part, out)
