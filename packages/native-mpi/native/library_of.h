// MpiLibrary over the functions of one ABI.
#pragma once

#include <algorithm>
#include <array>

#include "mpi_functions.h"
#include "mpi_library.h"

namespace mpibatch {

template <class Abi>
class LibraryOf final : public MpiLibrary {
 public:
  explicit LibraryOf(void* library) : abi_(library), mpi_(library) {}

  const char* AbiName() const override { return Abi::kName; }

  std::string Version() override {
    // The longest that any ABI allows (MPI_MAX_LIBRARY_VERSION_STRING).
    std::array<char, 8192> text{};
    int length = 0;
    Check("MPI_Get_library_version", mpi_.getLibraryVersion(text.data(), &length));
    std::string version(text.data());
    return version.substr(0, version.find('\n'));
  }

  std::string Initialize() override {
    int provided = 0;
    Check("MPI_Init_thread", mpi_.initThread(nullptr, nullptr, Abi::kThreadFunneled, &provided));
    Check("MPI_Comm_set_errhandler", mpi_.commSetErrhandler(abi_.commWorld, abi_.errorsReturn));
    Check("MPI_Comm_dup", mpi_.commDup(abi_.commWorld, &own_));
    Check("MPI_Comm_set_errhandler", mpi_.commSetErrhandler(own_, abi_.errorsReturn));
    Check("MPI_Comm_rank", mpi_.commRank(own_, &rank_));
    Check("MPI_Comm_size", mpi_.commSize(own_, &size_));
    return LevelName(provided);
  }

  int Rank() const override { return rank_; }
  int Size() const override { return size_; }

  std::vector<int> FirstRankOfNodes() override {
    typename Abi::Comm node{};
    Check("MPI_Comm_split_type", mpi_.commSplitType(own_, Abi::kCommTypeShared, 0, abi_.infoNull, &node));
    int first = rank_;
    const int own = rank_;
    Check("MPI_Allreduce", mpi_.allreduce(&own, &first, 1, abi_.integer, abi_.minimum, node));
    Check("MPI_Comm_free", mpi_.commFree(&node));
    std::vector<int> firsts(static_cast<std::size_t>(size_));
    Check("MPI_Allgather", mpi_.allgather(&first, 1, abi_.integer, firsts.data(), 1, abi_.integer, own_));
    return firsts;
  }

  std::vector<std::string> GatherTexts(const std::string& own, int sizeBytes) override {
    const auto width = static_cast<std::size_t>(sizeBytes);
    std::vector<char> mine(width, '\0');
    std::copy_n(own.begin(), std::min(own.size(), width - 1), mine.begin());
    std::vector<char> all(width * static_cast<std::size_t>(size_));
    Check("MPI_Allgather",
          mpi_.allgather(mine.data(), sizeBytes, abi_.byte, all.data(), sizeBytes, abi_.byte, own_));
    std::vector<std::string> texts;
    for (int rank = 0; rank < size_; rank += 1) {
      texts.emplace_back(all.data() + width * static_cast<std::size_t>(rank));
    }
    return texts;
  }

  bool Probe(ProbedMessage* found) override {
    int flag = 0;
    typename Abi::Status status{};
    Check("MPI_Improbe", mpi_.improbe(Abi::kAnySource, Abi::kAnyTag, own_, &flag, &probed_, &status));
    if (flag == 0) return false;
    found->source = status.source;
    found->tag = status.tag;
    Check("MPI_Get_count", mpi_.getCount(&status, abi_.byte, &found->sizeBytes));
    return true;
  }

  std::unique_ptr<Operation> Receive(void* buffer, int sizeBytes) override {
    auto operation = std::make_unique<OperationOf>(this, "MPI_Test of a receive");
    Check("MPI_Imrecv", mpi_.imrecv(buffer, sizeBytes, abi_.byte, &probed_, &operation->request));
    return operation;
  }

  std::unique_ptr<Operation> Send(const void* buffer, int sizeBytes, int destination, int tag) override {
    auto operation = std::make_unique<OperationOf>(this, "MPI_Test of a send");
    Check("MPI_Isend", mpi_.isend(buffer, sizeBytes, abi_.byte, destination, tag, own_, &operation->request));
    return operation;
  }

  std::unique_ptr<Operation> Barrier() override {
    auto operation = std::make_unique<OperationOf>(this, "MPI_Test of a barrier");
    Check("MPI_Ibarrier", mpi_.ibarrier(own_, &operation->request));
    return operation;
  }

  void Finalize() override {
    Check("MPI_Comm_free", mpi_.commFree(&own_));
    Check("MPI_Finalize", mpi_.finalize());
  }

  void Abort(int exitCode) override { mpi_.abort(abi_.commWorld, exitCode); }

 private:
  class OperationOf final : public Operation {
   public:
    OperationOf(LibraryOf* library, const char* call) : library_(library), call_(call) {}
    bool IsDone() override {
      int flag = 0;
      typename Abi::Status status{};
      library_->Check(call_, library_->mpi_.test(&request, &flag, &status));
      return flag != 0;
    }
    typename Abi::Request request{};

   private:
    LibraryOf* library_;
    const char* call_;
  };

  void Check(const char* call, int code) {
    if (code == 0) return;
    // The longest that any ABI allows (MPI_MAX_ERROR_STRING).
    std::array<char, 512> text{};
    int length = 0;
    int errorClass = code;
    mpi_.errorString(code, text.data(), &length);
    mpi_.errorClass(code, &errorClass);
    throw MpiFailure{call, errorClass, text.data()};
  }

  static std::string LevelName(int level) {
    static constexpr const char* kNames[] = {"single", "funneled", "serialized", "multiple"};
    for (int index = 3; index >= 0; index -= 1) {
      if (level >= Abi::kThreadLevels[index]) return kNames[index];
    }
    return "unknown";
  }

  Abi abi_;
  MpiFunctions<Abi> mpi_;
  typename Abi::Comm own_{};
  typename Abi::Message probed_{};
  int rank_ = 0;
  int size_ = 0;
};

}  // namespace mpibatch
