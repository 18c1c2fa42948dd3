"""The line protocol of a party of `bench inference`: one JSON object a line in, one a line out, behind `@`
so that output of libraries is not mistaken for an answer."""
import json
import os
import sys
import time

# Before an engine is imported: all of them read one of these.
THREADS = int(os.environ.get("BENCH_THREADS", "1"))


def say(answer):
    sys.stdout.write("@" + json.dumps(answer) + "\n")
    sys.stdout.flush()


def milliseconds(work):
    begun = time.perf_counter()
    result = work()
    return (time.perf_counter() - begun) * 1000, result


def read_faces(path, count):
    """The first faces of a file of float32 [n, 240, 240, 3], NCHW as these engines want them."""
    import numpy

    values = 240 * 240 * 3
    faces = numpy.fromfile(path, dtype=numpy.float32, count=values * count)
    return numpy.ascontiguousarray(faces.reshape(count, 240, 240, 3).transpose(0, 3, 1, 2))


def embed_answer(embed, faces, count, times):
    """`embed` takes what was made ready for the engine outside of the time that is measured."""
    taken = []
    for _ in range(times):
        ms, embeddings = milliseconds(lambda: embed(faces))
        taken.append(ms)
    return {"ms": taken, "embedding": [float(value) for value in embeddings[0]], "count": count}


def serve(handlers, versions):
    say({"ready": True, "versions": versions})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = handlers[request["do"]](request)
            say({"id": request["id"], **answer})
        except Exception as error:  # told to who asked; the next request may go well
            say({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
