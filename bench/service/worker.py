"""The course's worker, written plainly: one message at a time, PyTorch and facenet-pytorch held warm."""
import os

import boto3

from recognise import load

PROJECT = os.environ["PROJECT_ID"]
IN_BUCKET = f"{PROJECT}-in-bucket"
OUT_BUCKET = f"{PROJECT}-out-bucket"

recognise = load()
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
