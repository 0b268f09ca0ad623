{{- define "web.fullname" -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "web.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "web.image" -}}
{{ printf "%s/%s:%s" ((.Values.global).imageRegistry | default .Values.image.registry) .Values.image.repository .Values.image.tag }}
{{- end }}

{{- define "web.nodeSelector" -}}
{{- with merge (dict) ((.Values.global).nodeSelector | default dict) (.Values.nodeSelector | default dict) }}
nodeSelector:
  {{- range $key, $value := . }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
