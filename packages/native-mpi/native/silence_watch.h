// Notices nodes that have gone silent: no MPI library does. The first ranks of all nodes exchange a message
// every second with the first rank of the job; any message counts as a sign of life.
#pragma once

#include <cstdint>
#include <vector>

namespace mpibatch {

class SilenceWatch {
 public:
  SilenceWatch() = default;
  // `peers`: ranks that this one listens to, and sends heartbeats to. silenceMs 0: never silent.
  SilenceWatch(std::vector<int> peers, std::int64_t silenceMs, std::int64_t nowMs);

  void Heard(int rank, std::int64_t nowMs);
  // Whether it is time to send heartbeats to all peers.
  bool IsBeatDue(std::int64_t nowMs);
  // A peer that has been silent for too long, or -1. To be called often: a long time between two calls is a
  // pause of this process, of which the others are innocent.
  int FindSilent(std::int64_t nowMs);

  const std::vector<int>& peers() const { return peers_; }

 private:
  std::vector<int> peers_;
  std::vector<std::int64_t> heardMs_;
  std::int64_t silenceMs_ = 0;
  std::int64_t nextBeatMs_ = 0;
  std::int64_t lastLookMs_ = 0;
};

}  // namespace mpibatch
