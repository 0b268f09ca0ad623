package signing

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// envelope is a text with its signature: DSSE v1.0, protocol and envelope
// (https://github.com/secure-systems-lab/dsse). Bytes are in base64 in JSON.
type envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     []byte              `json:"payload"`
	Signatures  []envelopeSignature `json:"signatures"`
}

// envelopeSignature is a signature, and by which key: a hint alone, as DSSE has it.
type envelopeSignature struct {
	KeyID string `json:"keyid,omitempty"`
	Sig   []byte `json:"sig"`
}

// Envelope puts a text into an envelope that is signed with the key in PEM, as one line of JSON
// without its end. The key is named by the SHA-256 of its public part (SPKI).
func (k *Keys) Envelope(payloadType string, payload []byte) ([]byte, error) {
	signature, err := k.signRaw(preAuthentication(payloadType, payload))
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(k.key.Public())
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(public)
	return json.Marshal(envelope{payloadType, payload, []envelopeSignature{{hex.EncodeToString(id[:]), signature}}})
}

// preAuthentication is what is signed of an envelope (PAE).
func preAuthentication(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}
