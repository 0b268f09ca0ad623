package commandline

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"

	"github.com/ksrelease/ksrelease/internal/shellword"
)

// The words after the name of the program by which completion scripts ask it: for the names of the
// extensions, a line each, or for what may stand for the last word of a command line, a line each with
// its help behind a tab. The words of the command line follow.
const (
	AskNames    = "__names"
	AskComplete = "__complete"
)

// Shells are those that there are completion scripts for.
var Shells = []string{"bash", "zsh", "fish", "powershell"}

// WriteCompletion writes the completion script of a shell for a grammar.
// values are the words that complete a value, by what the help calls the value, such as
// RULE; files and folders are known by their names FILE, path and DIR, and extensions by NAME and
// name.
func WriteCompletion(w io.Writer, shell string, grammar *kong.Application, values map[string][]string) error {
	text := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion, "powershell": powershellCompletion}[shell]
	t, err := template.New(shell).Funcs(template.FuncMap{
		"join": strings.Join, "sh": shellword.Quote,
		"zshName": zshName, "zshFlag": zshFlag, "zshArg": zshArg,
		"askNames": func() string { return AskNames }, "askComplete": func() string { return AskComplete },
		"fish": fishWord, "fishNames": fishNames, "fishValue": fishValue,
		"fishFlag": func(program string, f completableFlag) string { return fishValue(program, f.completableValue) },
	}).Parse(text)
	if err != nil {
		return fmt.Errorf("reading the completion template of %s: %w", shell, err)
	}
	if err := t.Execute(w, completable{grammar.Name, known(values).commands(grammar.Node, "")}); err != nil {
		return fmt.Errorf("writing the completion script of %s: %w", shell, err)
	}
	return nil
}

// completable is what the templates of the scripts are made from.
type completable struct {
	Program  string
	Commands []completableCommand // the program itself first
}

// completableCommand is a command, or the program itself.
type completableCommand struct {
	Path  string   // its words, such as "marketplace serve"; "" for the program
	Names []string // the last of the words, and its aliases
	Help  string
	Sub   []completableCommand
	Flags []completableFlag
	Args  []completableValue
}

// completableFlag is a flag that a command takes, of its own or of a command
// above it.
type completableFlag struct {
	Names    []string // with their dashes, short ones first
	Help     string
	Repeated bool
	completableValue
}

// valueKind says what may stand as the value of a flag or as an argument.
type valueKind string

const (
	valueNone  valueKind = ""      // a flag without a value
	valueWords valueKind = "words" // one of some words
	valueList  valueKind = "list"  // some of some words, with commas between
	valueFile  valueKind = "file"
	valueDir   valueKind = "dir"
	valueText  valueKind = "text" // what no shell can know
)

// completableValue is the value of a flag, or an argument.
type completableValue struct {
	Kind  valueKind
	Words []string // of valueWords and valueList
	Asked bool     // the words are the names of extensions, for which the program is asked
	Label string   // what the help calls it
	Rest  bool     // an argument that takes all that follow, too
}

// known are the words that complete a value, by what the help calls the value.
type known map[string][]string

// commands lists a command and all that are below it.
func (k known) commands(node *kong.Node, path string) []completableCommand {
	c := completableCommand{Path: path, Names: append([]string{node.Name}, node.Aliases...), Help: oneLine(node.Help)}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			c.Flags = append(c.Flags, k.flag(f))
		}
	}
	for _, p := range node.Positional {
		c.Args = append(c.Args, k.value(p, p.Name))
	}
	var below []completableCommand
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		all := k.commands(child, strings.TrimSpace(path+" "+child.Name))
		c.Sub = append(c.Sub, all[0])
		below = append(below, all...)
	}
	return append([]completableCommand{c}, below...)
}

func (k known) flag(f *kong.Flag) completableFlag {
	c := completableFlag{
		Names: FlagNames(f), Help: oneLine(f.Help), Repeated: f.IsCumulative() || f.IsCounter(),
		completableValue: k.value(f.Value, f.PlaceHolder),
	}
	if c.Label == "" {
		c.Label = f.Name
	}
	return c
}

// value knows by the label, which is the one that the help shows, what completes a value.
func (k known) value(v *kong.Value, label string) completableValue {
	c := completableValue{Kind: valueText, Label: label, Rest: v.IsCumulative()}
	switch {
	case v.Flag != nil && (v.IsBool() || v.IsCounter()):
		c.Kind = valueNone
	case v.Enum != "":
		c.Words = slices.DeleteFunc(v.EnumSlice(), func(w string) bool { return w == "" })
		c.Kind = valueWords
		if v.Flag != nil && v.IsSlice() {
			c.Kind = valueList
		}
	case label == "FILE" || label == "path":
		c.Kind = valueFile
	case label == "DIR":
		c.Kind = valueDir
	case label == "NAME" || label == "name":
		c.Kind, c.Asked = valueWords, true
		if v.Flag != nil && v.IsSlice() {
			c.Kind = valueList
		}
	default:
		if words, ok := k[label]; ok {
			c.Kind, c.Words = valueWords, words
		}
	}
	return c
}

// oneLine fits a help text into a list of completions.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// fishWord quotes a word for fish where it needs it; a backslash counts in
// quotes, too.
func fishWord(s string) string {
	if shellword.Quote(s) == s {
		return s
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// bashCompletion keeps to bash 3.2, which macOS has, and needs no package
// bash-completion. File names are left to readline, which alone knows how to
// quote them: the function says nothing, and -o default or dirnames steps in.
const bashCompletion = `# bash completion of {{.Program}}, made by: {{.Program}} completion bash

# What stands in a place: kind is words, list (words with commas between),
# file, dir, text, or empty for a flag without a value.
_{{.Program}}_value() {
    kind='' values=() asked=''
    case $1 in
{{- range $c := .Commands}}{{range .Flags}}{{if .Kind}}
    {{range $i, $n := .Names}}{{if $i}} | {{end}}{{sh (print $c.Path " " $n)}}{{end}}) {{template "value" .}} ;;
{{- end}}{{end}}{{range $i, $a := .Args}}
    {{if .Rest}}{{sh (print $c.Path " ")}}[0-9]*{{else}}{{sh (print $c.Path " " $i)}}{{end}}) {{template "value" .}} ;;
{{- end}}{{end}}
    esac
}

# What may be typed after the words of a command.
_{{.Program}}_command() {
    commands=() flags=()
    case $1 in
{{- range .Commands}}
    {{sh .Path}})
        commands=({{range $i, $s := .Sub}}{{range $j, $n := .Names}}{{if or $i $j}} {{end}}{{sh $n}}{{end}}{{end}})
        flags=({{range $i, $f := .Flags}}{{range $j, $n := .Names}}{{if or $i $j}} {{end}}{{sh $n}}{{end}}{{end}}) ;;
{{- end}}
    esac
}

_{{.Program}}() {
    local IFS=$' \t\n' rest=${COMP_LINE:0:COMP_POINT} next cur='' word i asked=''
    local -a words commands flags values
    words=()
    COMPREPLY=()

    # Bash takes words apart at = and : too; here they are whole again.
    rest=${rest#*"${COMP_WORDS[0]}"}
    for ((i = 1; i <= COMP_CWORD; i++)); do
        next=${rest#"${rest%%[![:space:]]*}"}
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=$next
        if ((i == 1)); then
            cur=$word
        elif [[ $next == "$rest" ]]; then
            cur+=$word
        else
            words+=("$cur")
            cur=$word
        fi
        rest=${next#"$word"}
    done

    local command='' kind='' bare='' count=0
    for ((i = 0; i < ${#words[@]}; i++)); do
        word=${words[i]}
        if [[ -n $kind ]]; then # it is the value of a flag
            kind='' asked=''
        elif [[ -z $bare && $word == -- ]]; then
            bare=1
        elif [[ -z $bare && $word == -* ]]; then
            _{{.Program}}_value "$command $word"
        else
            case $command\ $word in
{{- range $c := .Commands}}{{range .Sub}}
            {{range $i, $n := .Names}}{{if $i}} | {{end}}{{sh (print $c.Path " " $n)}}{{end}}) command={{sh .Path}} ;;
{{- end}}{{end}}
            *) count=$((count + 1)) ;;
            esac
        fi
    done

    local prefix=''
    _{{.Program}}_command "$command"
    if [[ -n $kind ]]; then
        : # the value that a flag waits for
    elif [[ -z $bare && $cur == --*=* ]]; then
        _{{.Program}}_value "$command ${cur%%=*}"
        prefix=${cur%%=*}=
    elif [[ -z $bare && $cur == -* ]]; then
        kind=words values=("${flags[@]}")
    elif ((count == 0 && ${#commands[@]} > 0)); then
        kind=words values=("${commands[@]}")
    else
        _{{.Program}}_value "$command $count"
    fi

    if [[ -n $asked ]]; then
        IFS=$'\n'
        values=($(command {{.Program}} {{askNames}} "${words[@]}" 2>/dev/null))
        IFS=$' \t\n'
    fi

    # Bash before 4 has no compopt and offers files where there is nothing else.
    case $kind in
    file) return ;;
    dir)
        compopt +o default -o dirnames 2>/dev/null
        return
        ;;
    list)
        word=${cur#"$prefix"}
        [[ $word == *,* ]] && prefix+=${word%,*},
        ;;
    esac
    compopt +o default 2>/dev/null
    for ((i = 0; i < ${#values[@]}; i++)); do
        word=$prefix${values[i]}
        if [[ $word == "$cur"* && ,${prefix#*=} != *",${values[i]},"* ]]; then
            # Of cur, bash puts only what it takes for the last word.
            COMPREPLY+=("${word#"${cur%"$2"}"}")
        fi
    done
}

complete -o default -F _{{.Program}} {{.Program}}
{{- define "value"}}kind={{.Kind}}{{if .Asked}} asked=1{{end}}{{if .Words}} values=({{range $i, $w := .Words}}{{if $i}} {{end}}{{sh $w}}{{end}}){{end}}{{end}}
`

// zshCompletion has a function for each command, since _arguments knows
// commands only by way of states.
const zshCompletion = `#compdef {{.Program}}
# zsh completion of {{.Program}}, made by: {{.Program}} completion zsh
{{range $c := .Commands}}
{{zshName $.Program .Path}}() {
    local curcontext=$curcontext state line ret=1
    local -a state_descr names
    typeset -A opt_args
    _arguments -C -S {{range .Flags}}\
        {{zshFlag $.Program .}} {{end}}
{{- if .Sub}}\
        '1: :->command' \
        '*:: :->rest' {{else}}{{range .Args}}\
        {{zshArg $.Program .}} {{end}}{{end}}&& ret=0
{{- if .Sub}}
    case $state in
    command)
        names=({{range .Sub}}{{$help := .Help}}{{range .Names}}
            {{sh (print . ":" $help)}}{{end}}{{end}}
        )
        _describe -t commands command names && ret=0
        ;;
    rest)
        case $line[1] in
        {{- range .Sub}}
        {{join .Names " | "}}) {{zshName $.Program .Path}} && ret=0 ;;
        {{- end}}
        esac
        ;;
    esac
{{- end}}
    return ret
}
{{end}}
# The names of the extensions, of the project that the line is about.
_{{.Program}}_names() {
    local -a names
    names=(${(f)"$(command {{.Program}} {{askNames}} ${(Q)${(z)LBUFFER}[2,-1]} 2>/dev/null)"})
    compadd "$@" -a names
}

# As a file of $fpath this is the function itself; else it is sourced.
if [[ $funcstack[1] == _{{.Program}} ]]; then
    _{{.Program}} "$@"
else
    compdef _{{.Program}} {{.Program}}
fi
`

// zshName is the function that completes a command.
func zshName(program, path string) string {
	return "_" + strings.ReplaceAll(strings.TrimSpace(program+" "+path), " ", "__")
}

// zshText escapes what _arguments would take for its own: brackets, colons
// and backslashes.
func zshText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `:`, `\:`, `[`, `\[`, `]`, `\]`).Replace(s)
}

// zshFlag is the specifications of a flag for _arguments, one for each name;
// a flag that was given is not offered again under another name.
func zshFlag(program string, f completableFlag) string {
	var specs []string
	for _, name := range f.Names {
		spec := "*"
		if !f.Repeated {
			spec = "(" + strings.Join(f.Names, " ") + ")"
		}
		spec += name
		if f.Kind != valueNone {
			if strings.HasPrefix(name, "--") {
				spec += "="
			} else {
				spec += "+"
			}
		}
		spec += "[" + zshText(f.Help) + "]"
		if f.Kind != valueNone {
			spec += ":" + zshText(f.Label) + ":" + zshAction(program, f.completableValue)
		}
		specs = append(specs, shellword.Quote(spec))
	}
	return strings.Join(specs, " ")
}

// zshArg is the specification of an argument for _arguments.
func zshArg(program string, v completableValue) string {
	spec := ":"
	if v.Rest {
		spec = "*:"
	}
	return shellword.Quote(spec + zshText(v.Label) + ":" + zshAction(program, v))
}

// zshAction says what completes a value.
func zshAction(program string, v completableValue) string {
	words := make([]string, len(v.Words))
	for i, w := range v.Words {
		words[i] = shellword.Quote(w)
	}
	switch v.Kind {
	case valueWords:
		if v.Asked {
			return "_" + program + "_names"
		}
		return "compadd - " + zshText(strings.Join(words, " "))
	case valueList:
		if v.Asked {
			return "_sequence _" + program + "_names"
		}
		return "_sequence compadd - " + zshText(strings.Join(words, " "))
	case valueFile:
		return "_files"
	case valueDir:
		return "_files -/"
	}
	return " "
}

// fishCompletion asks of each rule, in a condition, whether its command is
// the one on the line.
const fishCompletion = `# fish completion of {{.Program}}, made by: {{.Program}} completion fish

# Whether the words before the cursor are those of a command, with at least
# and at most so many arguments after them where numbers are given.
function __{{.Program}}_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l command ''
    set -l value 0
    set -l bare 0
    set -l count 0
    for word in $words
        if test $value = 1
            set value 0
            continue
        end
        if test $bare = 0
            switch $word
                case --
                    set bare 1
                    continue
                case '-*'
                    switch "$command $word"
{{- range $c := .Commands}}{{range .Flags}}{{if .Kind}}
                        case{{range .Names}} {{fish (print $c.Path " " .)}}{{end}}
                            set value 1
{{- end}}{{end}}{{end}}
                    end
                    continue
            end
        end
        switch "$command $word"
{{- range $c := .Commands}}{{range .Sub}}
            case{{range .Names}} {{fish (print $c.Path " " .)}}{{end}}
                set command {{fish .Path}}
{{- end}}{{end}}
            case '*'
                set count (math $count + 1)
        end
    end
    test "$command" = "$argv[1]"
    and begin
        not set -q argv[2]
        or test $count -ge $argv[2]
    end
    and begin
        not set -q argv[3]
        or test $count -le $argv[3]
    end
end

# The names of the extensions, of the project that the line is about.
function __{{.Program}}_names
    set -l words (commandline -opc)
    set -e words[1]
    command {{.Program}} {{askNames}} $words 2>/dev/null
end

# Words with commas between them, less those that stand there already.
function __{{.Program}}_list
    set -l begun (commandline -ct | string replace -r -- '^--[^=]*=' '' | string match -r -- '^.*,')
    for word in $argv
        string match -q -- "*,$word,*" ",$begun"
        or echo -- "$begun$word"
    end
end

complete -c {{.Program}} -f
{{range $c := .Commands}}{{$here := print "__" $.Program "_at " (fish .Path)}}
{{- range .Sub}}{{$help := .Help}}{{range .Names}}complete -c {{$.Program}} -n {{fish (print $here " 0 0")}} -a {{fish (fish .)}} -d {{fish $help}}
{{end}}{{end}}
{{- range .Flags}}complete -c {{$.Program}} -n {{fish $here}}{{fishNames .Names}}{{fishFlag $.Program .}} -d {{fish .Help}}
{{end}}
{{- range $i, $a := .Args}}complete -c {{$.Program}} -n {{if .Rest}}{{fish (print $here " " $i)}}{{else}}{{fish (print $here " " $i " " $i)}}{{end}}{{fishValue $.Program .}}
{{end}}{{end -}}
`

// fishNames are the names of a flag as complete takes them.
func fishNames(names []string) string {
	var s string
	for _, name := range names {
		if long, ok := strings.CutPrefix(name, "--"); ok {
			s += " -l " + fishWord(long)
		} else {
			s += " -s " + fishWord(strings.TrimPrefix(name, "-"))
		}
	}
	return s
}

// fishValue says what completes a value. Fish expands the words after -a once
// more, so they are quoted twice.
func fishValue(program string, v completableValue) string {
	quoted := make([]string, len(v.Words))
	for i, w := range v.Words {
		quoted[i] = fishWord(w)
	}
	all := strings.Join(quoted, " ")
	if v.Asked {
		all = "(__" + program + "_names)"
	}
	switch v.Kind {
	case valueNone:
		return ""
	case valueWords:
		return " -x -a " + fishWord(all)
	case valueList:
		return " -x -a " + fishWord("(__"+program+"_list "+all+")")
	case valueFile:
		return " -r -F"
	case valueDir:
		return " -x -a '(__fish_complete_directories)'"
	}
	return " -x"
}

// powershellCompletion asks the program for everything, as PowerShell hands over the words of a line,
// and completes files by itself where it gets nothing.
const powershellCompletion = `# PowerShell completion of {{.Program}}, made by: {{.Program}} completion powershell

Register-ArgumentCompleter -Native -CommandName '{{.Program}}' -ScriptBlock {
    param($word, $line, $position)
    $words = @()
    foreach ($element in $line.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.StartOffset -ge $position) { break }
        if ($element.Extent.EndOffset -ge $position -and $word -ne '') { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    # Before PowerShell 7.3 an empty argument is lost on the way to a program: so each has a sign before it.
    $given = @($words) + @($word) | ForEach-Object { "=$_" }
    & {{.Program}} {{askComplete}} $given 2>$null | ForEach-Object {
        $candidate, $help = $_ -split "` + "`t" + `", 2
        if (-not $help) { $help = $candidate }
        [System.Management.Automation.CompletionResult]::new($candidate, $candidate, 'ParameterValue', $help)
    }
}
`
