{{- define "tag" }}{{ if }}{{- end }} {{/* want error render/broken-template "the template does not render: missing value for if" */}}
