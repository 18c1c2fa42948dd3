"""The course's worker, written plainly: one message at a time, PyTorch and facenet-pytorch held warm."""
import io
import os

import boto3
import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image

PROJECT = os.environ["PROJECT_ID"]
CHECKPOINTS = os.environ["FACE_CHECKPOINTS"]
IN_BUCKET = f"{PROJECT}-in-bucket"
OUT_BUCKET = f"{PROJECT}-out-bucket"

torch.set_num_threads(int(os.environ["THREADS"]))
mtcnn = MTCNN(image_size=240, margin=0, min_face_size=20)
resnet = InceptionResnetV1().eval()
resnet.load_state_dict(
    torch.load(os.path.join(CHECKPOINTS, os.environ["ENCODER"])), strict=False
)
embeddings, names = torch.load(os.environ["GALLERY"])
gallery = torch.stack([embedding.reshape(-1) for embedding in embeddings])


def recognise(data):
    with torch.no_grad():
        face = mtcnn(Image.open(io.BytesIO(data)).convert("RGB"))
        if face is None:
            return "nobody"
        distances = (gallery - resnet(face.unsqueeze(0))).norm(dim=1)
        return names[int(distances.argmin())]


s3 = boto3.client("s3")
sqs = boto3.client("sqs")
request_queue = sqs.get_queue_url(QueueName=f"{PROJECT}-req-queue")["QueueUrl"]
response_queue = sqs.get_queue_url(QueueName=f"{PROJECT}-resp-queue")["QueueUrl"]
with open(os.environ["WARM_UP_PHOTO"], "rb") as photo:
    recognise(photo.read())
print("ready", flush=True)

while True:
    answer = sqs.receive_message(QueueUrl=request_queue, MaxNumberOfMessages=1, WaitTimeSeconds=2)
    for message in answer.get("Messages", []):
        key = message["Body"]
        stem = os.path.splitext(key)[0]
        name = recognise(s3.get_object(Bucket=IN_BUCKET, Key=key)["Body"].read())
        s3.put_object(Bucket=OUT_BUCKET, Key=stem, Body=f"{stem}:{name}")
        sqs.send_message(QueueUrl=response_queue, MessageBody=f"{stem}:{name}")
        sqs.delete_message(QueueUrl=request_queue, ReceiptHandle=message["ReceiptHandle"])
