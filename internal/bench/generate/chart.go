package generate

import (
	"fmt"
	"strings"
)

// chart writes a subchart of about so many bytes.
func (t *tree) chart(number, size int) {
	c := t.subcharts[number]
	folder := "charts/" + c.name + "/"
	before := t.size
	t.put(folder+"Chart.yaml", fmt.Sprintf("apiVersion: v2\nname: %s\ndescription: %s\ntype: application\nversion: %s\nappVersion: %q\n",
		c.name, t.sentence(), t.version(0), c.tag))
	t.put(folder+"templates/_helpers.tpl", named(c, helpers))
	workloads := []string{"main"}
	for range min(size/20_000, 12) {
		workloads = append(workloads, fmt.Sprintf("%s-%d", t.word(), len(workloads)))
	}
	for _, w := range workloads {
		for kind, template := range map[string]string{"deployment": deployment, "service": service, "account": account, "configmap": configMap} {
			t.files[folder+"templates/"+w+"/"+kind+".yaml"] = []byte(strings.ReplaceAll(named(c, template), "WORKLOAD", w))
			t.size += len(t.files[folder+"templates/"+w+"/"+kind+".yaml"])
		}
	}
	t.put(folder+"templates/NOTES.txt", t.prose(300, ""))
	t.put(folder+"values.yaml", t.values(c, max(0, size/4)))
	// Up to three definitions of APIs; a small chart has none.
	for i := range 3 {
		rest := size - (t.size - before)
		if rest < 4000 {
			return
		}
		t.put(fmt.Sprintf("%scrds/%s.yaml", folder, plural(c.name, i)), t.definition(3*number+i, min(rest, 30_000+t.IntN(60_000))))
	}
}

func named(c subchart, template string) string { return strings.ReplaceAll(template, "CHART", c.name) }

// values are those of a subchart, with comments as people write them.
func (t *tree) values(c subchart, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `replicas: 1

image:
  registry: docker.io
  repository: %s
  tag: %s
  pullPolicy: IfNotPresent

nodeSelector: {}

resources:
  requests: {cpu: 10m, memory: 16Mi}
  limits: {memory: 64Mi}

# Handed to the process as its configuration.
settings:
  level: info
`, c.image, c.tag)
	for i := 0; b.Len() < size; i++ {
		b.WriteString(t.prose(60+t.IntN(240), "  # "))
		switch t.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "  %s%d: %d\n", t.camel(), i, t.IntN(100_000))
		case 1:
			fmt.Fprintf(&b, "  %s%d: true\n", t.camel(), i)
		case 2:
			fmt.Fprintf(&b, "  %s%d: %q\n", t.camel(), i, t.sentence())
		default:
			fmt.Fprintf(&b, "  %s%d:\n    %s: %s\n    timeoutSeconds: %d\n", t.camel(), i, t.camel(), t.word(), t.IntN(300))
		}
	}
	return b.String()
}

func plural(name string, n int) string { return fmt.Sprintf("%s%ds", name, n) }

// definition is an API definition of about so many bytes.
func (t *tree) definition(n, size int) string {
	group := strings.ReplaceAll(t.name, "-", "") + ".lakeside.example"
	singular := fmt.Sprintf("kind%d", n)
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %[1]ss.%[2]s
spec:
  group: %[2]s
  names:
    kind: K%[3]s
    listKind: K%[3]sList
    plural: %[1]ss
    singular: %[1]s
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
`, singular, group, singular[1:])
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "                %s%d:\n                  description: |-\n%s", t.camel(), i, t.prose(80+t.IntN(300), strings.Repeat(" ", 20)))
		switch t.IntN(3) {
		case 0:
			b.WriteString("                  type: string\n")
		case 1:
			b.WriteString("                  type: integer\n                  format: int64\n                  minimum: 0\n")
		default:
			b.WriteString("                  type: object\n                  properties:\n")
			for j := range 2 + t.IntN(5) {
				fmt.Fprintf(&b, "                    %s%d:\n                      description: %s\n                      type: string\n", t.camel(), j, t.sentence())
			}
		}
	}
	return b.String()
}

const helpers = `{{- define "CHART.fullname" -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "CHART.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "CHART.labels" -}}
{{ include "CHART.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "CHART.image" -}}
{{ printf "%s/%s:%s" ((.Values.global).imageRegistry | default .Values.image.registry) .Values.image.repository .Values.image.tag }}
{{- end }}

{{- define "CHART.nodeSelector" -}}
{{- with merge (dict) ((.Values.global).nodeSelector | default dict) (.Values.nodeSelector | default dict) }}
nodeSelector:
  {{- range $key, $value := . }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
`

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "CHART.fullname" . }}-WORKLOAD
  labels:
    {{- include "CHART.labels" . | nindent 4 }}
    app.kubernetes.io/component: WORKLOAD
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      {{- include "CHART.selectorLabels" . | nindent 6 }}
      app.kubernetes.io/component: WORKLOAD
  template:
    metadata:
      labels:
        {{- include "CHART.selectorLabels" . | nindent 8 }}
        app.kubernetes.io/component: WORKLOAD
      annotations:
        checksum/settings: {{ toYaml .Values.settings | sha256sum }}
    spec:
      serviceAccountName: {{ include "CHART.fullname" . }}-WORKLOAD
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        seccompProfile: {type: RuntimeDefault}
      {{- include "CHART.nodeSelector" . | nindent 6 }}
      containers:
        - name: WORKLOAD
          image: {{ include "CHART.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [--config=/etc/WORKLOAD/settings.yaml]
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet: {path: /healthz, port: http}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - name: settings
              mountPath: /etc/WORKLOAD
      volumes:
        - name: settings
          configMap:
            name: {{ include "CHART.fullname" . }}-WORKLOAD
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: {{ include "CHART.fullname" . }}-WORKLOAD
  labels:
    {{- include "CHART.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "CHART.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/component: WORKLOAD
  ports:
    - name: http
      port: 80
      targetPort: http
`

const account = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "CHART.fullname" . }}-WORKLOAD
  labels:
    {{- include "CHART.labels" . | nindent 4 }}
automountServiceAccountToken: false
`

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "CHART.fullname" . }}-WORKLOAD
  labels:
    {{- include "CHART.labels" . | nindent 4 }}
data:
  settings.yaml: |
    {{- toYaml .Values.settings | nindent 4 }}
`
