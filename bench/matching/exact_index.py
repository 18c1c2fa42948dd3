"""faiss's exact index on one thread. Arguments: file of embeddings, file of faces; float32, 512 numbers each."""
import json
import sys
import time

import faiss
import numpy

faiss.omp_set_num_threads(1)
embeddings, faces = (
    numpy.fromfile(path, dtype=numpy.float32).reshape(-1, 512) for path in sys.argv[1:]
)
index = faiss.IndexFlatL2(512)
index.add(embeddings)
times, rows = [], []
for face in faces:
    begun = time.perf_counter()
    _, found = index.search(face[None], 3)
    times.append((time.perf_counter() - begun) * 1000)
    rows.append(int(found[0][0]))
print(json.dumps({"version": faiss.__version__, "times": times, "rows": rows}))
