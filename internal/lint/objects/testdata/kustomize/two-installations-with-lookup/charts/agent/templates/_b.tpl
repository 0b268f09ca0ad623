{{- if lookup "v1" "ConfigMap" "" "a" }}{{ end }}
