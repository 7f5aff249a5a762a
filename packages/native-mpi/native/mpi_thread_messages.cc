// How messages go out and come in.
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "clock.h"
#include "close_on_exec.h"
#include "mpi_thread.h"

namespace mpibatch {
namespace {

constexpr int kProbesPerTurn = 64;
// Libraries open connections when two ranks first speak to each other, and some more behind that.
constexpr int kConnectingMs = 2000;

// What a message begins with. Throws std::runtime_error if it is shorter.
template <class Head>
Head HeadOf(const Bytes& bytes) {
  if (bytes.sizeBytes < sizeof(Head)) {
    throw std::runtime_error("A rank sent " + std::to_string(bytes.sizeBytes) + " bytes where " +
                             std::to_string(sizeof(Head)) +
                             " are the least: start the same version of mpibatch on all nodes.");
  }
  Head head{};
  std::memcpy(&head, bytes.data.get(), sizeof(Head));
  return head;
}

}  // namespace

void MpiThread::Send(int destination, Bytes bytes) {
  Order(Command{Command::Kind::kSend, destination, kTagMessage, std::move(bytes)});
}

void MpiThread::Operate(int owner, WindowRequest request, const std::int32_t* words) {
  const bool bringsWords = request.operation >= WindowOperation::kWrite;
  const std::size_t wordsSizeBytes = bringsWords ? request.count * sizeof(std::int32_t) : 0;
  Bytes bytes = Bytes::Allocate(sizeof(WindowRequest) + wordsSizeBytes);
  std::memcpy(bytes.data.get(), &request, sizeof(WindowRequest));
  if (wordsSizeBytes > 0) std::memcpy(bytes.data.get() + sizeof(WindowRequest), words, wordsSizeBytes);
  Order(Command{Command::Kind::kSend, owner, kTagRequest, std::move(bytes)});
}

void MpiThread::Post(int destination, int tag, Bytes bytes) {
  const auto whole = std::make_shared<Bytes>(std::move(bytes));
  const std::uint8_t* start = whole->data.get();
  std::size_t left = whole->sizeBytes;
  for (bool isLast = false; !isLast;) {
    isLast = left <= kPartSizeBytes;
    const std::size_t part = isLast ? left : kPartSizeBytes;
    const int partTag = isLast ? tag : kTagPart;
    sending_.push_back(Sending{whole, mpi_->Send(start, static_cast<int>(part), destination, partTag)});
    start += part;
    left -= part;
  }
  Connected(destination);
  const auto bell = bells_.find(destination);
  if (bell != bells_.end() && destination != facts_.rank) bell->second->Ring();
}

bool MpiThread::ProbeMessages(int looks) {
  ProbedMessage found{};
  int count = 0;
  while (count < kProbesPerTurn && looks > 0) {
    if (!mpi_->Probe(&found)) {
      looks -= 1;
      continue;
    }
    count += 1;
    silence_.Heard(found.source, NowMs());
    Bytes bytes = Bytes::Allocate(static_cast<std::size_t>(found.sizeBytes));
    auto operation = mpi_->Receive(bytes.data.get(), found.sizeBytes);
    receiving_[found.source].push_back(Receiving{found.tag, std::move(bytes), std::move(operation)});
  }
  return count > 0;
}

void MpiThread::Arrived(int source, int tag, Bytes bytes) {
  Connected(source);
  if (tag == kTagHeartbeat) return;
  // Between the parts of a message comes nothing else from its sender.
  const auto parts = parts_.find(source);
  if (tag == kTagPart || parts != parts_.end()) {
    std::vector<std::uint8_t>& whole = parts_[source];
    whole.insert(whole.end(), bytes.data.get(), bytes.data.get() + bytes.sizeBytes);
    if (tag == kTagPart) return;
    bytes = Bytes::Allocate(whole.size());
    std::memcpy(bytes.data.get(), whole.data(), whole.size());
    parts_.erase(source);
  }
  if (tag == kTagRequest) return AnswerRequest(source, bytes);
  Event event{tag == kTagReply ? Event::Kind::kReply : Event::Kind::kMessage};
  event.source = source;
  if (tag == kTagReply) {
    awaitedReplies_ -= 1;
    event.reply = HeadOf<WindowReply>(bytes);
    event.bytes = Bytes::Allocate(bytes.sizeBytes - sizeof(WindowReply));
    std::memcpy(event.bytes.data.get(), bytes.data.get() + sizeof(WindowReply), event.bytes.sizeBytes);
    return Tell(std::move(event));
  }
  event.bytes = std::move(bytes);
  Tell(std::move(event));
}

void MpiThread::Connected(int rank) {
  if (connected_.insert(rank).second) connectingUntilMs_ = NowMs() + kConnectingMs;
  // Commands that start now would inherit the connections.
  if (NowMs() < connectingUntilMs_) CloseOnExec();
}

void MpiThread::AnswerRequest(int source, const Bytes& bytes) {
  const auto request = HeadOf<WindowRequest>(bytes);
  const auto* words = reinterpret_cast<const std::int32_t*>(bytes.data.get() + sizeof(WindowRequest));
  const std::size_t wordCount = (bytes.sizeBytes - sizeof(WindowRequest)) / sizeof(std::int32_t);
  Post(source, kTagReply, windows_.Answer(request, words, wordCount));
}

}  // namespace mpibatch
