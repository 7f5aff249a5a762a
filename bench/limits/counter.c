/*
 * How fast this machine gives numbers away: PROCESSES that add one to a shared counter until it has reached COUNT.
 * Prints the nanoseconds for each number.
 *
 * Usage: counter COUNT PROCESSES
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  long total = atol(arguments[1]), processes = atol(arguments[2]);
  _Atomic long *next = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (next == MAP_FAILED) return 1;
  double start = now();
  for (long process = 0; process < processes; process += 1) {
    pid_t child = fork();
    if (child < 0) return 1;
    if (child > 0) continue;
    while (atomic_fetch_add(next, 1) < total - 1) continue;
    _exit(0);
  }
  for (long process = 0; process < processes; process += 1) wait(NULL);
  double seconds = now() - start;
  if (atomic_load(next) < total) return 1;
  printf("{\"nanoseconds\":%.3f}\n", seconds * 1e9 / total);
  return 0;
}
