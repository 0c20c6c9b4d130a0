# Completion of promfleet for fish: promfleet completion fish | source

function __promfleet_complete
	set -l args (commandline -opc) (commandline -ct)
	set -l cur $args[-1]
	set -l prefix
	if string match -q -- '--*=*' $cur
		set -l parts (string split -m 1 = -- $cur)
		set prefix $parts[1]=
		set args $args[1..-2] $parts
	end
	for candidate in ($args[1] --completion-bash $args[2..-1] 2>/dev/null)
		printf '%s%s\n' $prefix $candidate
	end
end
complete -c promfleet -a '(__promfleet_complete)'
