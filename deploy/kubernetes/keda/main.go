// Asks KEDA's own SQS scaler what it sees, as KEDA's operator would for the objects on standard input: with
// KEDA's rules for the environment of the scaled pods, its authentication and its scaler, and without a
// cluster. Prints one line of JSON. Credentials come from the environment. keda.fixture.ts builds it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/kedacore/keda/v2/pkg/scalers"
	"github.com/kedacore/keda/v2/pkg/scalers/authentication"
	"github.com/kedacore/keda/v2/pkg/scalers/scalersconfig"
	"github.com/kedacore/keda/v2/pkg/scaling/resolver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
)

type seen struct {
	Metric string `json:"metric"`
	Region string `json:"region"`
	// Messages that the scaler counts.
	Value int64 `json:"value"`
	// Messages for each pod.
	Target int64 `json:"target"`
	// Whether the first pod is needed.
	Active bool `json:"active"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: keda SCALED-OBJECT AWS-ENDPOINT < objects.yaml")
		os.Exit(2)
	}
	answer, err := ask(context.Background(), os.Args[1], os.Args[2], os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		os.Exit(1)
	}
}

func ask(ctx context.Context, name, endpoint string, manifests io.Reader) (seen, error) {
	objects, err := read(manifests)
	if err != nil {
		return seen{}, err
	}
	cluster := fake.NewClientBuilder().WithScheme(clientscheme.Scheme).WithObjects(objects...).Build()
	scaled, err := find(objects, name)
	if err != nil {
		return seen{}, err
	}
	logger := logf.Log
	pods, container, err := resolver.ResolveScaleTargetPodSpec(ctx, cluster, scaled)
	if err != nil {
		return seen{}, err
	}
	environment, err := resolver.ResolveContainerEnv(ctx, cluster, logger, &pods.Spec, container, scaled.Namespace, nil)
	if err != nil {
		return seen{}, err
	}
	trigger := scaled.Spec.Triggers[0]
	parameters, identity, err := resolver.ResolveAuthRefAndPodIdentity(
		ctx, cluster, logger, trigger.AuthenticationRef, pods, scaled.Namespace, &authentication.AuthClientSet{})
	if err != nil {
		return seen{}, err
	}
	trigger.Metadata["awsEndpoint"] = endpoint
	scaler, err := scalers.NewAwsSqsQueueScaler(ctx, &scalersconfig.ScalerConfig{
		ScalableObjectName:      scaled.Name,
		ScalableObjectNamespace: scaled.Namespace,
		ScalableObjectType:      "ScaledObject",
		TriggerType:             trigger.Type,
		TriggerMetadata:         trigger.Metadata,
		MetricType:              trigger.MetricType,
		ResolvedEnv:             environment,
		AuthParams:              parameters,
		PodIdentity:             identity,
		TriggerUniqueKey:        name,
	})
	if err != nil {
		return seen{}, err
	}
	defer scaler.Close(ctx)
	external := scaler.GetMetricSpecForScaling(ctx)[0].External
	values, active, err := scaler.GetMetricsAndActivity(ctx, external.Metric.Name)
	if err != nil {
		return seen{}, err
	}
	return seen{
		Metric: external.Metric.Name,
		Region: parameters["awsRegion"],
		Value:  values[0].Value.Value(),
		Target: external.Target.AverageValue.Value(),
		Active: active,
	}, nil
}

// The ScaledObject of this name, held to the rules that KEDA's admission webhook applies without a cluster.
func find(objects []client.Object, name string) (*kedav1alpha1.ScaledObject, error) {
	for _, object := range objects {
		scaled, ok := object.(*kedav1alpha1.ScaledObject)
		if !ok || scaled.Name != name {
			continue
		}
		// What the operator finds out about the scale target and keeps in the status.
		scaled.Status.ScaleTargetGVKR = &kedav1alpha1.GroupVersionKindResource{
			Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments",
		}
		return scaled, errors.Join(
			kedav1alpha1.ValidateTriggers(scaled.Spec.Triggers),
			kedav1alpha1.CheckReplicaCountBoundsAreValid(scaled),
			kedav1alpha1.CheckFallbackValid(scaled),
		)
	}
	return nil, fmt.Errorf("there is no ScaledObject %s", name)
}

// Every document as an object of Kubernetes or KEDA; an unknown field is an error.
func read(manifests io.Reader) ([]client.Object, error) {
	if err := kedav1alpha1.AddToScheme(clientscheme.Scheme); err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(clientscheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	text, err := io.ReadAll(manifests)
	if err != nil {
		return nil, err
	}
	documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer documents.Close()
	var objects []client.Object
	buffer := make([]byte, len(text))
	for {
		length, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		decoded, err := runtime.Decode(decoder, buffer[:length])
		if err != nil {
			return nil, err
		}
		object, ok := decoded.(client.Object)
		if !ok {
			return nil, fmt.Errorf("%T is no object of a cluster", decoded)
		}
		objects = append(objects, object)
	}
}
