#include "spawner_thread.h"

#include <signal.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace mpibatch {
namespace {

std::int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace

SpawnerThread::SpawnerThread(std::function<void()> onNews) : onNews_(std::move(onNews)), reaper_(onNews_) {
  // Signals are for the main thread.
  const BlockedSignals blocked;
  thread_ = std::thread([this] { Run(); });
}

SpawnerThread::~SpawnerThread() {
  {
    const std::lock_guard<std::mutex> lock(waitingMutex_);
    isClosing_ = true;
  }
  wakeUp_.notify_one();
  thread_.join();
}

void SpawnerThread::Request(StartRequest request) {
  {
    const std::lock_guard<std::mutex> lock(waitingMutex_);
    waiting_.push_back({std::move(request), NowNs()});
  }
  wakeUp_.notify_one();
}

SpawnerThread::News SpawnerThread::Take() {
  const std::lock_guard<std::mutex> lock(answersMutex_);
  News news;
  news.ended = reaper_.TakeEnded();
  news.answers = std::exchange(answers_, {});
  return news;
}

void SpawnerThread::Run() {
  for (;;) {
    std::unique_lock<std::mutex> lock(waitingMutex_);
    wakeUp_.wait(lock, [this] { return isClosing_ || !waiting_.empty(); });
    if (isClosing_) return;
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const StartAnswer answer = Start(next);
    bool isFirst = false;
    {
      const std::lock_guard<std::mutex> answersLock(answersMutex_);
      isFirst = answers_.empty();
      answers_.push_back(answer);
      if (answer.process.pid > 0) Watch(answers_.back());
    }
    if (isFirst) onNews_();
  }
}

StartAnswer SpawnerThread::Start(const Waiting& waiting) {
  const std::int64_t waitedNs = NowNs() - waiting.sinceNs;
  // Nothing comes between this look and the start.
  if (waitedNs > waiting.request.waitMaxNs) return {waiting.request.id, {-ECANCELED, -1, -1}, waitedNs};
  return {waiting.request.id, spawner_.Spawn(waiting.request.start), waitedNs};
}

void SpawnerThread::Watch(StartAnswer& answer) {
  SpawnedProcess& process = answer.process;
  try {
    reaper_.Watch(process);
  } catch (const std::system_error& error) {
    // Nobody would hear of its end.
    kill(-process.pid, SIGKILL);
    WaitForEnd(process.pid);
    process.pid = -error.code().value();
  }
}

}  // namespace mpibatch
