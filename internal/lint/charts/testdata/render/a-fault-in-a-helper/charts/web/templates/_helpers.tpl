{{- define "tag" }}
{{ .Values.image.tag }} {{/* want :11 error render/broken-template "charts/web/templates/a.yaml does not render: tag is asked of a value that is not set, in {{ .Values.image.tag }}" */}}
{{- end }}
