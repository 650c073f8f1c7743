{{- define "mc.labels" -}}
app.kubernetes.io/name: machine-controller
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels that select one component's pods; the argument is (list $ component). */}}
{{- define "mc.selector" -}}
app.kubernetes.io/name: machine-controller
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}

{{- define "mc.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The part of a pod's spec that both components share; the argument is (list $ component serviceAccount). */}}
{{- define "mc.podSpec" -}}
{{- $root := index . 0 }}
{{- $values := index $root.Values (index . 1) }}
serviceAccountName: {{ index . 2 }}
enableServiceLinks: false
terminationGracePeriodSeconds: 30
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- range $topology := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $topology }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "mc.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{/* The part of a container that both components share; the argument is (list $ component). */}}
{{- define "mc.container" -}}
{{- $root := index . 0 }}
name: {{ index . 1 }}
image: {{ include "mc.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources: {{- toYaml (index $root.Values (index . 1)).resources | nindent 2 }}
{{- end }}

{{/* Binds a role to an account; the argument is (list kind name namespace account $). */}}
{{- define "mc.binding" -}}
{{- $root := index . 4 }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ index . 0 }}Binding
metadata:
  name: {{ index . 1 }}
  {{- with index . 2 }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "mc.labels" $root | nindent 4 }}
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: {{ index . 0 }}, name: {{ index . 1 }} }
subjects:
- { kind: ServiceAccount, name: {{ index . 3 }}, namespace: {{ $root.Release.Namespace }} }
{{- end }}

{{- define "mc.egressPorts" -}}
- { port: 53, protocol: UDP }
- { port: 53, protocol: TCP }
{{- range uniq . }}
- { port: {{ . }}, protocol: TCP }
{{- end }}
{{- end }}
