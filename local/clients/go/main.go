// Runs the documented examples with the AWS SDK for Go: queues, objects and instances of the embedded
// cloud, which AWS_ENDPOINT_URL names. Prints one line of JSON; any difference ends it with an error.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const partBytes = 5 * 1024 * 1024

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	said := map[string]any{}
	steps := []struct {
		name string
		run  func(context.Context, aws.Config) (any, error)
	}{{"sqs", queues}, {"s3", objects}, {"ec2", instances}}
	for _, step := range steps {
		found, err := step.run(ctx, settings)
		if err != nil {
			log.Fatalf("%s: %v", step.name, err)
		}
		said[step.name] = found
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		log.Fatal(err)
	}
}

// Sends, receives, extends and deletes; alone and in a batch.
func queues(ctx context.Context, settings aws.Config) (any, error) {
	client := sqs.NewFromConfig(settings)
	found, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("local-req-queue")})
	if err != nil {
		return nil, err
	}
	url := found.QueueUrl
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:    url,
		MessageBody: aws.String("first"),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{
			"from": {DataType: aws.String("String"), StringValue: aws.String("go")},
		},
	}); err != nil {
		return nil, err
	}
	entries := []sqstypes.SendMessageBatchRequestEntry{}
	for _, text := range []string{"second", "third"} {
		entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(text), MessageBody: aws.String(text)})
	}
	if _, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries}); err != nil {
		return nil, err
	}
	bodies, attribute := []string{}, ""
	for len(bodies) < 3 {
		got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return nil, err
		}
		for _, message := range got.Messages {
			bodies = append(bodies, *message.Body)
			if from, ok := message.MessageAttributes["from"]; ok {
				attribute = *from.StringValue
			}
			if _, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 60,
			}); err != nil {
				return nil, err
			}
			if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: message.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
	}
	left, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"received": len(bodies), "from": attribute,
		"visible":  left.Attributes["ApproximateNumberOfMessages"],
		"inFlight": left.Attributes["ApproximateNumberOfMessagesNotVisible"],
	}, nil
}

// Puts, gets, lists, copies and deletes; a large object in parts. The SDK checks each checksum.
func objects(ctx context.Context, settings aws.Config) (any, error) {
	client := s3.NewFromConfig(settings, func(options *s3.Options) { options.UsePathStyle = true })
	bucket := aws.String("local-in-bucket")
	small := aws.String("a folder/photo +1.jpg")
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: small, Body: strings.NewReader("photo"), ContentType: aws.String("image/jpeg"),
	}); err != nil {
		return nil, err
	}
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: small})
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	large := aws.String("large")
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: large})
	if err != nil {
		return nil, err
	}
	parts := []s3types.CompletedPart{}
	for number, size := range map[int32]int{1: partBytes, 2: 1024} {
		part, err := client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: bucket, Key: large, UploadId: upload.UploadId, PartNumber: aws.Int32(number),
			Body: bytes.NewReader(bytes.Repeat([]byte{byte(number)}, size)),
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, s3types.CompletedPart{ETag: part.ETag, PartNumber: aws.Int32(number)})
	}
	if *parts[0].PartNumber > *parts[1].PartNumber {
		parts[0], parts[1] = parts[1], parts[0]
	}
	if _, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: large, UploadId: upload.UploadId,
		MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		return nil, err
	}
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: large})
	if err != nil {
		return nil, err
	}
	keys := []string{}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	for _, key := range keys {
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String(key)}); err != nil {
			return nil, err
		}
	}
	if _, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: small}); err == nil {
		return nil, fmt.Errorf("a deleted object is still there")
	}
	return map[string]any{"text": string(text), "type": *got.ContentType, "large": *head.ContentLength, "keys": keys}, nil
}

// Runs an instance, waits for it, tags it, finds it by its name, and terminates it.
func instances(ctx context.Context, settings aws.Config) (any, error) {
	client := ec2.NewFromConfig(settings)
	images, err := client.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}})
	if err != nil {
		return nil, err
	}
	launched, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: images.Images[0].ImageId, InstanceType: ec2types.InstanceTypeT3Small,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeInstance,
			Tags:         []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("app-tier-instance-70")}},
		}},
	})
	if err != nil {
		return nil, err
	}
	ids := []string{*launched.Instances[0].InstanceId}
	named := &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{
		{Name: aws.String("tag:Name"), Values: []string{"app-tier-instance-*"}},
		{Name: aws.String("instance-state-name"), Values: []string{"running"}},
	}}
	if err := ec2.NewInstanceRunningWaiter(client, func(options *ec2.InstanceRunningWaiterOptions) {
		options.MinDelay, options.MaxDelay = 200*time.Millisecond, time.Second
	}).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, 30*time.Second); err != nil {
		return nil, err
	}
	running, err := client.DescribeInstances(ctx, named)
	if err != nil {
		return nil, err
	}
	if _, err := client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}); err != nil {
		return nil, err
	}
	if err := ec2.NewInstanceTerminatedWaiter(client, func(options *ec2.InstanceTerminatedWaiterOptions) {
		options.MinDelay, options.MaxDelay = 200*time.Millisecond, time.Second
	}).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, 30*time.Second); err != nil {
		return nil, err
	}
	return map[string]any{"images": len(images.Images), "running": len(running.Reservations)}, nil
}
