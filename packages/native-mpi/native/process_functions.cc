#include "process_functions.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "spawner_thread.h"

namespace mpibatch {
namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;

struct Spawner {
  Napi::FunctionReference onStart;
  Napi::FunctionReference onEnd;
  Napi::ThreadSafeFunction notify;
  std::unique_ptr<SpawnerThread> thread;
  // Ended, but heard of together with its start.
  std::vector<pid_t> endedAtOnce;

  void Notify();
};

void TellStart(const Spawner& spawner, Napi::Env env, const StartAnswer& answer) {
  const Napi::HandleScope scope(env);
  spawner.onStart.Call(
      {Napi::Number::New(env, answer.id), Napi::Number::New(env, answer.process.pid),
       Napi::Number::New(env, static_cast<double>(answer.process.startTime)),
       Napi::Number::New(env, static_cast<double>(answer.waitedNs) / kNanosecondsPerMillisecond)});
}

void TellEnd(const Spawner& spawner, Napi::Env env, pid_t pid) {
  const Napi::HandleScope scope(env);
  // Only now is the number free, and the listener is told before anything else runs.
  const ProcessEnd end = spawner.thread->Collect(pid);
  spawner.onEnd.Call({Napi::Number::New(env, pid), Napi::Number::New(env, end.exitCode),
                      Napi::Number::New(env, end.signal), Napi::Boolean::New(env, end.isGroupLeft)});
}

void TellNews(Spawner& spawner, Napi::Env env) {
  if (spawner.thread == nullptr) return;
  const std::vector<pid_t> endedAtOnce = std::exchange(spawner.endedAtOnce, {});
  for (const pid_t pid : endedAtOnce) TellEnd(spawner, env, pid);
  const SpawnerThread::News news = spawner.thread->Take();
  for (const StartAnswer& answer : news.answers) TellStart(spawner, env, answer);
  for (const pid_t pid : news.ended) {
    const bool isNew = std::any_of(news.answers.begin(), news.answers.end(),
                                   [pid](const StartAnswer& answer) { return answer.process.pid == pid; });
    // Who waits for the start gets a turn before the number is free: it may signal the process in it.
    if (isNew) {
      spawner.endedAtOnce.push_back(pid);
    } else {
      TellEnd(spawner, env, pid);
    }
  }
  if (!spawner.endedAtOnce.empty()) spawner.Notify();
}

void Spawner::Notify() {
  notify.NonBlockingCall([this](Napi::Env env, const Napi::Function& /*unused*/) { TellNews(*this, env); });
}

// spawn(id, file, directory, words, environment, output, errors, waitMaxMs, group)
void Spawn(const Spawner& spawner, const Napi::CallbackInfo& info) {
  StartRequest request{};
  request.id = info[0].As<Napi::Number>();
  request.start.file = info[1].As<Napi::String>().Utf8Value();
  request.start.directory = info[2].As<Napi::String>().Utf8Value();
  request.start.words = info[3].As<Napi::String>().Utf8Value();
  request.start.environment = info[4].As<Napi::String>().Utf8Value();
  request.start.output = info[5].As<Napi::Number>();
  request.start.errors = info[6].As<Napi::Number>();
  request.waitMaxNs =
      static_cast<std::int64_t>(info[7].As<Napi::Number>().DoubleValue() * kNanosecondsPerMillisecond);
  if (info[8].IsTypedArray()) request.start.group = info[8].As<Napi::Int32Array>().Data();
  spawner.thread->Request(std::move(request));
}

}  // namespace

Napi::Value OpenSpawner(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const auto spawner = std::make_shared<Spawner>();
    spawner->onStart = Napi::Persistent(info[0].As<Napi::Function>());
    spawner->onEnd = Napi::Persistent(info[1].As<Napi::Function>());
    spawner->notify =
        Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "mpibatch processes", 0, 1);
    spawner->notify.Unref(env);
    spawner->thread = std::make_unique<SpawnerThread>([spawner = spawner.get()] { spawner->Notify(); });
    // Before the function is taken apart that its threads call.
    Napi::Env(env).AddCleanupHook([spawner] {
      spawner->thread.reset();
      spawner->onStart.Reset();
      spawner->onEnd.Reset();
    });
    Napi::Object object = Napi::Object::New(env);
    object["spawn"] = Napi::Function::New(
        env, [spawner](const Napi::CallbackInfo& call) { Spawn(*spawner, call); }, "spawn");
    object["keepAlive"] = Napi::Function::New(
        env,
        [spawner](const Napi::CallbackInfo& call) {
          if (call[0].As<Napi::Boolean>()) {
            spawner->notify.Ref(call.Env());
          } else {
            spawner->notify.Unref(call.Env());
          }
        },
        "keepAlive");
    return object;
  } catch (const std::system_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

}  // namespace mpibatch
