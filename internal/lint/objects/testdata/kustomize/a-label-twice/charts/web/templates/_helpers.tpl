{{- define "labels" }}
app: web
"app.kubernetes.io/name": web
{{- end }}
