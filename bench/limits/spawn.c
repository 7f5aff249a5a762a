/*
 * How fast this machine starts commands: so many, at most JOBS at a time, each with its two log files, which is what any
 * scheduler has to do at least. Nothing is kept about them; one that fails ends this with 1.
 *
 * Usage: spawn JOBS COUNT DIRECTORY COMMAND [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_log(const char *directory, long index, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%ld.%s", directory, index, name);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) {
    perror(path);
    exit(1);
  }
  return file;
}

static void start(const char *directory, long index, char **words) {
  int out = open_log(directory, index, "stdout");
  int err = open_log(directory, index, "stderr");
  pid_t child = vfork();
  if (child == 0) {
    dup2(out, 1);
    dup2(err, 2);
    execvp(words[0], words);
    _exit(127);
  }
  if (child < 0) {
    perror("vfork");
    exit(1);
  }
  close(out);
  close(err);
}

int main(int count, char **arguments) {
  if (count < 5) return 2;
  long jobs = atol(arguments[1]), total = atol(arguments[2]), started = 0, ended = 0;
  while (ended < total) {
    while (started < total && started - ended < jobs) {
      start(arguments[3], started, arguments + 4);
      started += 1;
    }
    int status;
    if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      fprintf(stderr, "A command failed\n");
      return 1;
    }
    ended += 1;
  }
  return 0;
}
