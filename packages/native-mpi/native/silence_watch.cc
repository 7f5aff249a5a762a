#include "silence_watch.h"

#include <algorithm>
#include <utility>

namespace mpibatch {
namespace {

constexpr std::int64_t kBeatMs = 1000;
// A pause of this process that counts as one: messages that came meanwhile have not been looked at.
constexpr std::int64_t kPauseMs = 2000;

}  // namespace

SilenceWatch::SilenceWatch(std::vector<int> peers, std::int64_t silenceMs, std::int64_t nowMs)
    : peers_(std::move(peers)), heardMs_(peers_.size(), nowMs), silenceMs_(silenceMs), lastLookMs_(nowMs) {}

void SilenceWatch::Heard(int rank, std::int64_t nowMs) {
  const auto found = std::find(peers_.begin(), peers_.end(), rank);
  if (found != peers_.end()) heardMs_[static_cast<std::size_t>(found - peers_.begin())] = nowMs;
}

bool SilenceWatch::IsBeatDue(std::int64_t nowMs) {
  if (peers_.empty() || nowMs < nextBeatMs_) return false;
  nextBeatMs_ = nowMs + kBeatMs;
  return true;
}

int SilenceWatch::FindSilent(std::int64_t nowMs) {
  const bool wasPaused = nowMs - lastLookMs_ > kPauseMs;
  lastLookMs_ = nowMs;
  if (silenceMs_ == 0) return -1;
  for (std::size_t position = 0; position < peers_.size(); position += 1) {
    if (wasPaused) heardMs_[position] = nowMs;
    if (nowMs - heardMs_[position] > silenceMs_) return peers_[position];
  }
  return -1;
}

}  // namespace mpibatch
