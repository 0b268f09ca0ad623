package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ksrelease/ksrelease/internal/registry"
	"github.com/ksrelease/ksrelease/internal/target"
)

// The form in which cosign keeps signatures in a registry: a manifest under a tag that is made of
// the digest of what is signed, with a layer for each signature
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
const (
	simpleSigningType   = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
	// payloadType is the value of critical.type.
	payloadType = "cosign container image signature"
	// payloadLimit bounds what is read of a payload, and mostSignatures how many are read.
	payloadLimit   = 64 << 10
	mostSignatures = 50
)

// Signer signs what is pushed, as cosign does.
type Signer interface {
	// SignData is the signature of data, in base64.
	SignData(data []byte) ([]byte, error)
	// Verifies says that a signature is of data, by the same key.
	Verifies(data, signature []byte) bool
}

// payload is what is signed of a manifest (Simple Signing of containers/image, as cosign writes
// it).
type payload struct {
	Critical struct {
		Identity struct {
			DockerReference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			DockerManifestDigest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]any `json:"optional"`
}

// signatureTag is the tag of the signatures of a manifest.
func signatureTag(at registry.Reference, manifest ocispec.Descriptor) registry.Reference {
	return at.WithTag(strings.Replace(manifest.Digest.String(), ":", "-", 1) + ".sig")
}

// sign pushes a signature of a manifest, where there is a signer. The manifest need not be there
// yet: so nobody sees it unsigned.
func (t *Target) sign(ctx context.Context, at registry.Reference, manifest ocispec.Descriptor) error {
	if t.signer == nil {
		return nil
	}
	p := payload{}
	p.Critical.Identity.DockerReference = at.Name()
	p.Critical.Image.DockerManifestDigest = manifest.Digest.String()
	p.Critical.Type = payloadType
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	tag := signatureTag(at, manifest)
	there, signed, err := t.signatures(ctx, tag)
	if err != nil {
		return err
	}
	for _, s := range signed {
		if t.signer.Verifies(s.Of, s.Value) && bytes.Equal(s.Of, text) {
			return nil
		}
	}
	value, err := t.signer.SignData(text)
	if err != nil {
		return fmt.Errorf("signing %s: %w", at, err)
	}
	layer := registry.Describe(simpleSigningType, text)
	layer.Annotations = map[string]string{signatureAnnotation: string(value)}
	layers := append(there.Layers, layer) // those of others stay, as with cosign
	config, configData, err := signatureConfig(layers)
	if err != nil {
		return err
	}
	data, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: layers,
	})
	if err != nil {
		return err
	}
	if err := t.registry.PushData(ctx, tag, layer, text); err != nil {
		return err
	}
	if err := t.registry.PushData(ctx, tag, config, configData); err != nil {
		return err
	}
	return t.registry.SettleManifest(ctx, tag, ocispec.MediaTypeImageManifest, data)
}

// signatureConfig is the configuration of a manifest of signatures, without times.
func signatureConfig(layers []ocispec.Descriptor) (ocispec.Descriptor, []byte, error) {
	var ids []string
	for _, layer := range layers {
		ids = append(ids, layer.Digest.String())
	}
	data, err := json.Marshal(map[string]any{
		"architecture": "", "os": "", "config": map[string]any{}, "rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	return registry.Describe(ocispec.MediaTypeImageConfig, data), data, err
}

// signatures reads the signatures under a tag; none where there is no such tag.
func (t *Target) signatures(ctx context.Context, tag registry.Reference) (ocispec.Manifest, []target.Signature, error) {
	var manifest ocispec.Manifest
	m, there, err := t.registry.Manifest(ctx, tag)
	if err != nil || !there {
		return manifest, nil, err
	}
	if err := json.Unmarshal(m.Data, &manifest); err != nil {
		return manifest, nil, fmt.Errorf("what the registry has as %s holds no signatures: %w", tag, err)
	}
	var all []target.Signature
	for i, layer := range manifest.Layers {
		if i >= mostSignatures || layer.MediaType != simpleSigningType || layer.Annotations[signatureAnnotation] == "" {
			continue
		}
		text, err := t.registry.Blob(ctx, m.At, layer, payloadLimit)
		if err != nil {
			return manifest, nil, err
		}
		all = append(all, target.Signature{Of: text, Value: []byte(layer.Annotations[signatureAnnotation])})
	}
	return manifest, all, nil
}

// Signatures reads the provenance file of a version, and the signatures of its manifest that are
// of this very one, wherever it was pushed first.
func (t *Target) Signatures(ctx context.Context, name, wanted string) (target.Signatures, error) {
	v, there, err := t.find(ctx, name, wanted)
	if err != nil || !there {
		return target.Signatures{}, err
	}
	var all target.Signatures
	if layer, has := v.provenance(); has {
		if all.Provenance, err = t.registry.Blob(ctx, v.At, layer, target.MostSigns); err != nil {
			return target.Signatures{}, t.explain(err)
		}
	}
	_, found, err := t.signatures(ctx, signatureTag(t.reference(name, wanted), v.Descriptor))
	if err != nil {
		return target.Signatures{}, t.explain(err)
	}
	for _, s := range found {
		var p payload
		if json.Unmarshal(s.Of, &p) == nil && p.Critical.Type == payloadType && p.Critical.Image.DockerManifestDigest == v.Digest.String() {
			s.Package = v.layer.Digest.String()
			all.Signatures = append(all.Signatures, s)
		}
	}
	return all, nil
}
