{{- define "echo.fullname" -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "echo.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* An image of this chart, out of the cluster's own registry where global.imageRegistry names one.
     Takes a list: the root context, the image. */}}
{{- define "echo.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{ printf "%s/%s:%s" (($root.Values.global).imageRegistry | default $image.registry) $image.repository $image.tag }}
{{- end }}

{{/* The node selector of this chart, with what global.nodeSelector asks for over it. */}}
{{- define "echo.nodeSelector" -}}
{{- with merge (dict) ((.Values.global).nodeSelector | default dict) (.Values.nodeSelector | default dict) }}
nodeSelector:
  {{- range $key, $value := . }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
