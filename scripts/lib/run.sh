# Sourced, not run. Lets a script stop what it started, however it is told to stop.
#
#   run cargo test     runs a command in a process group of its own and returns its exit code
#   run_on_signals     call once: INT, TERM and HUP then end that group first, then this script,
#                      whose EXIT trap cleans up
#
# Without this, bash hears a signal only after the command has finished, and a signal sent to the
# script alone leaves the command running. Works with bash 3.2.

run_child=
run_patience=15 # seconds for the command to tidy up; more than its own patience, if it uses this file

run() {
    local code=0
    set -m # job control: the child leads a new process group, and Ctrl-C is ours to pass on
    "$@" </dev/null &
    run_child=$!
    set +m
    wait "$run_child" || code=$?
    run_child=
    return "$code"
}

run_on_signals() {
    trap 'run_stop INT 130' INT
    trap 'run_stop TERM 143' TERM
    trap 'run_stop HUP 129' HUP
}

# The signal first, so that the command can tidy up; when patience ends, no more asking.
run_stop() {
    local signal=$1 code=$2 tenths=0
    trap '' INT TERM HUP
    printf '\n== stopping: SIG%s\n' "$signal" >&2
    if [[ -n $run_child ]]; then
        kill "-$signal" -- "-$run_child" 2>/dev/null || true
        while kill -0 -- "-$run_child" 2>/dev/null && ((tenths < 10 * run_patience)); do
            sleep 0.1
            tenths=$((tenths + 1))
        done
        kill -KILL -- "-$run_child" 2>/dev/null || true
    fi
    exit "$code"
}
