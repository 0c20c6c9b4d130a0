# Completion of promfleet for bash: source <(promfleet completion bash)

_promfleet() {
	# bash breaks words at = and :, promfleet does not.
	local line=${COMP_LINE:0:COMP_POINT} words cur prefix= candidate
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	cur=${words[-1]}
	if [[ $cur == --*=* ]]; then
		words[-1]=${cur%%=*}
		cur=${cur#*=}
		words+=("$cur")
	elif [[ $cur == *:* ]]; then
		prefix=${cur%:*}:
	fi
	COMPREPLY=()
	while IFS= read -r candidate || [[ -n $candidate ]]; do # the last one has no newline
		[[ -n $candidate && $candidate == "$cur"* ]] && COMPREPLY+=("$(printf %q "${candidate#"$prefix"}")")
	done < <("${words[0]}" --completion-bash "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _promfleet promfleet
