// What JavaScript sees of this package: functions only; native.ts gives them their types and their
// documentation.
#include <napi.h>

#include <cstring>
#include <map>
#include <system_error>

#include "adopt_descriptor.h"
#include "mapped_file.h"
#include "mpi_thread.h"
#include "process_functions.h"

namespace mpibatch {
namespace {

// Memory that JavaScript sees: as long as its buffer lives, though empty when it was unmapped before.
struct HeldMemory {
  SharedMemory memory;
};

// What is mapped, by address. Unmapped addresses may come back while the buffers that had them wait for the
// collector.
std::map<void*, HeldMemory*>& MappedMemory() {
  static auto* memory = new std::map<void*, HeldMemory*>();
  return *memory;
}

void Forget(void* address, const HeldMemory* held) {
  const auto found = MappedMemory().find(address);
  if (found != MappedMemory().end() && found->second == held) MappedMemory().erase(found);
}

// A process starts MPI once; it lives to the end of the process, which does not wait for it.
MpiThread* thread = nullptr;
Napi::ThreadSafeFunction notify;

Napi::Value ToBuffer(Napi::Env env, Bytes bytes) {
  if (bytes.data == nullptr) return env.Undefined();
  const std::size_t sizeBytes = bytes.sizeBytes;
  std::uint8_t* data = bytes.data.release();
  return Napi::Buffer<std::uint8_t>::NewOrCopy(
      env, data, sizeBytes, [](Napi::Env /*env*/, std::uint8_t* freed) { std::free(freed); });
}

Napi::Value FactsToObject(Napi::Env env, const JobFacts& facts) {
  Napi::Object object = Napi::Object::New(env);
  object["path"] = facts.path;
  object["version"] = facts.version;
  object["abi"] = facts.abi;
  object["threadLevel"] = facts.threadLevel;
  object["rank"] = facts.rank;
  object["size"] = facts.size;
  Napi::Array nodes = Napi::Array::New(env, facts.nodes.size());
  Napi::Array hosts = Napi::Array::New(env, facts.hosts.size());
  for (std::uint32_t rank = 0; rank < facts.nodes.size(); rank += 1) {
    nodes[rank] = facts.nodes[rank];
    hosts[rank] = facts.hosts[rank];
  }
  object["nodes"] = nodes;
  object["hosts"] = hosts;
  return object;
}

void CallListener(Napi::Env env, const Napi::Function& listener, Event event) {
  const auto number = [env](double value) { return Napi::Number::New(env, value); };
  switch (event.kind) {
    case Event::Kind::kStarted:
      listener.Call({Napi::String::New(env, "started"), FactsToObject(env, thread->facts())});
      return;
    case Event::Kind::kMessage:
      listener.Call(
          {Napi::String::New(env, "message"), number(event.source), ToBuffer(env, std::move(event.bytes))});
      return;
    case Event::Kind::kReply:
      listener.Call({Napi::String::New(env, "reply"), number(static_cast<double>(event.reply.id)),
                     event.reply.fault == 0 ? Napi::Value(number(event.reply.value)) : env.Undefined(),
                     ToBuffer(env, std::move(event.bytes))});
      return;
    case Event::Kind::kMet:
      listener.Call({Napi::String::New(env, "met")});
      return;
    case Event::Kind::kFailed:
      listener.Call({Napi::String::New(env, "failed"), Napi::String::New(env, event.failure.call),
                     number(event.failure.errorClass), Napi::String::New(env, event.failure.text)});
      return;
  }
}

// start(libraries, silenceMs, token, listener)
void Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (thread != nullptr) throw Napi::Error::New(env, "MPI was started in this process already");
  MpiThreadOptions options;
  const auto libraries = info[0].As<Napi::Array>();
  for (std::uint32_t index = 0; index < libraries.Length(); index += 1) {
    options.libraries.push_back(libraries.Get(index).As<Napi::String>());
  }
  options.silenceMs = info[1].As<Napi::Number>();
  options.token = info[2].As<Napi::String>().Utf8Value();
  notify = Napi::ThreadSafeFunction::New(env, info[3].As<Napi::Function>(), "mpibatch", 0, 1);
  thread = new MpiThread(std::move(options), [] {
    notify.NonBlockingCall([](Napi::Env callEnv, const Napi::Function& listener) {
      for (Event& event : thread->TakeEvents()) {
        // Each in its own scope of handles: there may be thousands.
        const Napi::HandleScope scope(callEnv);
        CallListener(callEnv, listener, std::move(event));
      }
    });
  });
  thread->Start();
}

// keepAlive(isAlive): whether events that may come keep the process alive.
void KeepAlive(const Napi::CallbackInfo& info) {
  if (info[0].As<Napi::Boolean>()) {
    notify.Ref(info.Env());
  } else {
    notify.Unref(info.Env());
  }
}

// send(destination, bytes)
void Send(const Napi::CallbackInfo& info) {
  const auto bytes = info[1].As<Napi::Uint8Array>();
  Bytes copy = Bytes::Allocate(bytes.ByteLength());
  std::memcpy(copy.data.get(), bytes.Data(), bytes.ByteLength());
  thread->Send(info[0].As<Napi::Number>(), std::move(copy));
}

// operate(owner, id, window, operation, index, value, expected, count, words?)
void Operate(const Napi::CallbackInfo& info) {
  WindowRequest request{};
  request.id = static_cast<std::uint64_t>(info[1].As<Napi::Number>().Int64Value());
  request.window = info[2].As<Napi::Number>();
  request.operation = static_cast<WindowOperation>(info[3].As<Napi::Number>().Uint32Value());
  request.index = static_cast<std::uint64_t>(info[4].As<Napi::Number>().Int64Value());
  request.value = info[5].As<Napi::Number>();
  request.expected = info[6].As<Napi::Number>();
  request.count = info[7].As<Napi::Number>();
  const bool bringsWords = request.operation >= WindowOperation::kWrite;
  const std::int32_t* words = bringsWords ? info[8].As<Napi::Int32Array>().Data() : nullptr;
  thread->Operate(info[0].As<Napi::Number>(), request, words);
}

Napi::Value ToArrayBuffer(Napi::Env env, SharedMemory memory) {
  void* address = memory.address();
  const std::size_t sizeBytes = memory.sizeBytes();
  auto* held = new HeldMemory{std::move(memory)};
  MappedMemory()[address] = held;
  const auto release = [](Napi::Env /*env*/, void* freed, HeldMemory* hint) {
    Forget(freed, hint);
    delete hint;
  };
  return Napi::ArrayBuffer::New(env, address, sizeBytes, release, held);
}

[[noreturn]] void ThrowSystemError(Napi::Env env, const std::system_error& error) {
  throw Napi::Error::New(env, error.what());
}

// allocate(sizeBytes): { buffer, path }
Napi::Value Allocate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    SharedMemory memory =
        SharedMemory::Allocate(static_cast<std::size_t>(info[0].As<Napi::Number>().Int64Value()));
    Napi::Object object = Napi::Object::New(env);
    object["path"] = memory.path();
    object["buffer"] = ToArrayBuffer(env, std::move(memory));
    return object;
  } catch (const std::system_error& error) {
    ThrowSystemError(env, error);
  }
}

// map(path, sizeBytes): buffer
Napi::Value Map(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const auto sizeBytes = static_cast<std::size_t>(info[1].As<Napi::Number>().Int64Value());
    return ToArrayBuffer(env, SharedMemory::Map(info[0].As<Napi::String>(), sizeBytes));
  } catch (const std::system_error& error) {
    ThrowSystemError(env, error);
  }
}

// The memory of a buffer that was not unmapped.
SharedMemory& MemoryOf(Napi::Env env, const Napi::Value& value) {
  const auto found = MappedMemory().find(value.As<Napi::ArrayBuffer>().Data());
  if (found == MappedMemory().end()) throw Napi::Error::New(env, "The memory was unmapped before");
  return found->second->memory;
}

// mapReadOnly(buffer, sentence): buffer
Napi::Value MapReadOnly(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    return ToArrayBuffer(env, MemoryOf(env, info[0]).MapReadOnly(info[1].As<Napi::String>()));
  } catch (const std::system_error& error) {
    ThrowSystemError(env, error);
  }
}

// closeFile(buffer)
void CloseFile(const Napi::CallbackInfo& info) { MemoryOf(info.Env(), info[0]).CloseFile(); }

// unmap(buffer): its length is 0 from then on, so that no late read ends the process.
void Unmap(const Napi::CallbackInfo& info) {
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  if (buffer.IsDetached()) return;
  const auto found = MappedMemory().find(buffer.Data());
  if (found == MappedMemory().end()) return;
  HeldMemory* held = found->second;
  MappedMemory().erase(found);
  buffer.Detach();
  held->memory = SharedMemory();
}

// The address of a word, or none if the buffer has no such word.
std::uint32_t* FindWord(const Napi::Value& value, std::uint32_t index) {
  auto buffer = value.As<Napi::ArrayBuffer>();
  if (index >= buffer.ByteLength() / sizeof(std::uint32_t)) return nullptr;
  return static_cast<std::uint32_t*>(buffer.Data()) + index;
}

// park(buffer, index, value, microsecondsMax)
void Park(const Napi::CallbackInfo& info) {
  const std::uint32_t* word = FindWord(info[0], info[1].As<Napi::Number>());
  if (word != nullptr) WaitOnWord(word, info[2].As<Napi::Number>(), info[3].As<Napi::Number>());
}

// watch(buffer, index, value, microsecondsMax)
void Watch(const Napi::CallbackInfo& info) {
  const std::uint32_t* word = FindWord(info[0], info[1].As<Napi::Number>());
  if (word != nullptr) WatchWord(word, info[2].As<Napi::Number>(), info[3].As<Napi::Number>());
}

// wake(buffer, index)
void Wake(const Napi::CallbackInfo& info) {
  const std::uint32_t* word = FindWord(info[0], info[1].As<Napi::Number>());
  if (word != nullptr) WakeOnWord(word);
}

// serve(buffer): number of the window
Napi::Value Serve(const Napi::CallbackInfo& info) {
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  auto* words = static_cast<std::int32_t*>(buffer.Data());
  return Napi::Number::New(info.Env(),
                           thread->windows().Add(words, buffer.ByteLength() / sizeof(std::int32_t)));
}

// stopServing(window)
void StopServing(const Napi::CallbackInfo& info) { thread->windows().Remove(info[0].As<Napi::Number>()); }

// inspect(name): { path, version, abi }, or the reason why it is no MPI library. Starts nothing.
Napi::Value Inspect(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  OpenedLibrary opened = OpenMpiLibrary({info[0].As<Napi::String>().Utf8Value()});
  if (opened.library == nullptr) return Napi::String::New(env, opened.faults);
  Napi::Object object = Napi::Object::New(env);
  object["path"] = opened.path;
  object["version"] = opened.library->Version();
  object["abi"] = opened.library->AbiName();
  return object;
}

// adoptDescriptor(pid, descriptor): a copy of another process' descriptor, or its fault as a negative number
Napi::Value AdoptDescriptor(const Napi::CallbackInfo& info) {
  const std::int32_t pid = info[0].As<Napi::Number>();
  const std::int32_t descriptor = info[1].As<Napi::Number>();
  return Napi::Number::New(info.Env(), AdoptDescriptorOf(pid, descriptor));
}

void Meet(const Napi::CallbackInfo& /*info*/) { thread->Meet(); }

// finalize(exitCode): waits
void Finalize(const Napi::CallbackInfo& info) { thread->Finalize(info[0].As<Napi::Number>()); }

// abort(exitCode): does not return
void Abort(const Napi::CallbackInfo& info) { thread->Abort(info[0].As<Napi::Number>()); }

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  exports["start"] = Napi::Function::New(env, Start);
  exports["keepAlive"] = Napi::Function::New(env, KeepAlive);
  exports["send"] = Napi::Function::New(env, Send);
  exports["operate"] = Napi::Function::New(env, Operate);
  exports["allocate"] = Napi::Function::New(env, Allocate);
  exports["map"] = Napi::Function::New(env, Map);
  exports["mapReadOnly"] = Napi::Function::New(env, MapReadOnly);
  exports["closeFile"] = Napi::Function::New(env, CloseFile);
  exports["unmap"] = Napi::Function::New(env, Unmap);
  exports["mapFile"] = Napi::Function::New(env, MapFile);
  exports["unmapFile"] = Napi::Function::New(env, UnmapFile);
  exports["openSpawner"] = Napi::Function::New(env, OpenSpawner);
  exports["watch"] = Napi::Function::New(env, Watch);
  exports["park"] = Napi::Function::New(env, Park);
  exports["wake"] = Napi::Function::New(env, Wake);
  exports["serve"] = Napi::Function::New(env, Serve);
  exports["stopServing"] = Napi::Function::New(env, StopServing);
  exports["inspect"] = Napi::Function::New(env, Inspect);
  exports["adoptDescriptor"] = Napi::Function::New(env, AdoptDescriptor);
  exports["meet"] = Napi::Function::New(env, Meet);
  exports["finalize"] = Napi::Function::New(env, Finalize);
  exports["abort"] = Napi::Function::New(env, Abort);
  return exports;
}

}  // namespace

NODE_API_MODULE(mpibatch, Initialize)

}  // namespace mpibatch
