/* A command that takes 10 ms, whatever its arguments: it sleeps. */
#include <time.h>

int main(void) {
  struct timespec rest = {0, 10 * 1000 * 1000};
  return nanosleep(&rest, NULL);
}
