/*
 * How fast this machine replaces small files: for each task, "state" is written anew beside itself and renamed to its
 * place, once as RUNNING and once as DONE. No claim, no check.
 *
 * Usage: pairs DIRECTORY TASKS PROCESSES none|terminal before|within
 * With terminal, the file is synced before the rename and its directory behind it, for DONE only. The tasks' directories
 * are made before the clock starts, or within. Prints the seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void replace(const char *root, long task, const char *text, int synced) {
  char next[4096], place[4096];
  snprintf(next, sizeof next, "%s/%ld/state.next", root, task);
  snprintf(place, sizeof place, "%s/%ld/state", root, task);
  int file = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0 || write(file, text, strlen(text)) < 0) fail(next);
  if (synced && fsync(file) != 0) fail(next);
  close(file);
  if (rename(next, place) != 0) fail(place);
  if (!synced) return;
  *strrchr(place, '/') = 0;
  int directory = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || fsync(directory) != 0) fail(place);
  close(directory);
}

static void make_directory(const char *root, long task) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%ld", root, task);
  if (mkdir(path, 0777) != 0) fail(path);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  const char *root = arguments[1];
  long tasks = atol(arguments[2]), processes = atol(arguments[3]);
  int synced = strcmp(arguments[4], "terminal") == 0;
  int within = strcmp(arguments[5], "within") == 0;
  for (long task = 0; task < tasks && !within; task += 1) make_directory(root, task);
  double start = now();
  for (long process = 0; process < processes; process += 1) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child > 0) continue;
    for (long task = process; task < tasks; task += processes) {
      if (within) make_directory(root, task);
      replace(root, task, "RUNNING\n", 0);
      replace(root, task, "DONE\n", synced);
    }
    _exit(0);
  }
  for (long process = 0; process < processes; process += 1) {
    int status;
    if (wait(&status) < 0 || status != 0) return 1;
  }
  printf("{\"seconds\":%.6f}\n", now() - start);
  return 0;
}
