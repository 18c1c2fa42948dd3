"""A synchronous service as CompreFace is built: Flask behind gunicorn, one process a core, each with the model held
warm. A photo is answered by the process that took it: no queue, no object store."""
import os

from flask import Flask, request

from recognise import load

recognise = load()
app = Flask(__name__)
with open(os.environ["WARM_UP_PHOTO"], "rb") as photo:
    recognise(photo.read())
print("ready", flush=True)


@app.post("/")
def answer():
    file = request.files["inputFile"]
    stem = os.path.splitext(file.filename)[0]
    return f"{stem}:{recognise(file.read())}", 200, {"Content-Type": "text/plain"}
