#compdef promfleet
# Completion of promfleet for zsh: source <(promfleet completion zsh)

_promfleet() {
	local -a args candidates
	local cur=${words[CURRENT]}
	args=("${(@)words[2,CURRENT]}")
	if [[ $cur == --*=* ]]; then
		args[-1]=${cur%%=*}
		args+=("${cur#*=}")
		compset -P '*='
	fi
	candidates=("${(@f)$(${words[1]} --completion-bash "${(@)args}" 2>/dev/null)}")
	candidates=(${candidates:#})
	if (( $#candidates )); then
		compadd -a candidates
	else
		_files
	fi
}
compdef _promfleet promfleet
