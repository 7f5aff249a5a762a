/*
 * Runs a command and writes the most memory that it, or one of the processes it waited for, had at a time: a line of
 * JSON, in kibibytes, into FILE. Ends as the command did.
 *
 * Usage: peak FILE COMMAND [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count < 3) return 2;
  pid_t child = fork();
  if (child == 0) {
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 1;
  FILE *file = fopen(arguments[1], "w");
  if (file == NULL) return 1;
  fprintf(file, "{\"peakKib\":%ld}\n", usage.ru_maxrss);
  fclose(file);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
