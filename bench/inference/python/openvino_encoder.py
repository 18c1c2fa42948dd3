"""The encoder in OpenVINO, compiled for each batch size. Arguments: the ONNX file, float32 or bfloat16."""
import sys

import openvino

import party

path, precision = sys.argv[1:3]
core = openvino.Core()
settings = {
    "INFERENCE_NUM_THREADS": party.THREADS,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    # The bench has chosen the cores.
    "ENABLE_CPU_PINNING": False,
    "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
}
prepared = {}


def embed(request):
    key = (request["faces"], request["count"])
    if key not in prepared:
        model = core.read_model(path)
        model.reshape([request["count"], 3, 240, 240])
        prepared[key] = (core.compile_model(model, "CPU", settings), party.read_faces(*key))
    compiled, faces = prepared[key]
    run = lambda faces: compiled(faces)[0]
    return party.embed_answer(run, faces, request["count"], request["times"])


party.serve({"embed": embed}, f"openvino {openvino.__version__}")
