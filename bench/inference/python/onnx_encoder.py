"""The encoder in onnxruntime. Arguments: the ONNX file."""
import sys

import onnxruntime

import party

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = party.THREADS
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
prepared = {}


def embed(request):
    key = (request["faces"], request["count"])
    if key not in prepared:
        prepared[key] = party.read_faces(*key)
    run = lambda faces: session.run(None, {"faces": faces})[0]
    return party.embed_answer(run, prepared[key], request["count"], request["times"])


party.serve({"embed": embed}, f"onnxruntime {onnxruntime.__version__}")
