"""The course's web tier, written plainly: Flask in front of S3 and SQS, one thread that reads replies."""
import os
import threading

import boto3
from flask import Flask, request

PROJECT = os.environ["PROJECT_ID"]
IN_BUCKET = f"{PROJECT}-in-bucket"

app = Flask(__name__)
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
request_queue = sqs.get_queue_url(QueueName=f"{PROJECT}-req-queue")["QueueUrl"]
response_queue = sqs.get_queue_url(QueueName=f"{PROJECT}-resp-queue")["QueueUrl"]
waiting = {}  # file name -> [event, answer]


def read_responses():
    client = boto3.client("sqs")
    while True:
        answer = client.receive_message(
            QueueUrl=response_queue, MaxNumberOfMessages=10, WaitTimeSeconds=2
        )
        for message in answer.get("Messages", []):
            stem, name = message["Body"].split(":")
            entry = waiting.pop(stem, None)
            if entry is not None:
                entry[1] = name
                entry[0].set()
            client.delete_message(QueueUrl=response_queue, ReceiptHandle=message["ReceiptHandle"])


@app.post("/")
def recognise():
    file = request.files["inputFile"]
    stem = os.path.splitext(file.filename)[0]
    entry = [threading.Event(), None]
    waiting[stem] = entry
    s3.put_object(Bucket=IN_BUCKET, Key=file.filename, Body=file.read())
    sqs.send_message(QueueUrl=request_queue, MessageBody=file.filename)
    entry[0].wait()
    return f"{stem}:{entry[1]}", 200, {"Content-Type": "text/plain"}


@app.get("/readyz")
def ready():
    return "ready"


threading.Thread(target=read_responses, daemon=True).start()
app.run(host="127.0.0.1", port=int(os.environ["PORT"]), threaded=True)
