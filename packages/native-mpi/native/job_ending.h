// Ends a job that MPI can't end: its launcher waits for ever for a node that has gone.
#pragma once

#include <string>

namespace mpibatch {

// Writes the text to standard error, ends the launcher if it runs on this machine, else its helper here, with
// what it has started here (TERM, KILL after 5 s, by a process that outlives this one), and ends this
// process.
[[noreturn]] void EndJob(const std::string& text, int exitCode);

}  // namespace mpibatch
