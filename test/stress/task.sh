# One task of the stress test: sh task.sh EVIDENCE SECONDS. Leaves marks in EVIDENCE/<task>/, whose times tell when:
#
#   <claim>.<instance>.<pid>.start     it has begun
#   <claim>.<instance>.<pid>.overlap   another command of this task was still running then, itself or a child of it
#   <claim>.<instance>.<pid>.end       it has done all its work
#
# The lock is held by whatever of this command lives, so it can't be mistaken for another process of the same number.
directory=$1/$MPIBATCH_TASK
mark=$directory/$MPIBATCH_CLAIM.$MPIBATCH_INSTANCE.$$
: > "$mark.start" || exit 9
exec 9>> "$directory/lock"
flock --nonblock 9 || : > "$mark.overlap"
[ "$2" = 0 ] || sleep "$2"
: > "$mark.end"
