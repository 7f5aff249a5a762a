#include "process_functions.h"

#include <signal.h>

#include <memory>
#include <system_error>

#include "process_reaper.h"
#include "process_spawner.h"

namespace mpibatch {
namespace {

struct Spawner {
  ProcessSpawner processes;
  Napi::ThreadSafeFunction notify;
  std::unique_ptr<ProcessReaper> reaper;
};

void TellEnds(Spawner& spawner, Napi::Env env, const Napi::Function& listener) {
  if (spawner.reaper == nullptr) return;
  for (const pid_t pid : spawner.reaper->TakeEnded()) {
    const Napi::HandleScope scope(env);
    // Only now is the number free, and the listener is told before anything else runs.
    const ProcessEnd end = spawner.reaper->Collect(pid);
    listener.Call({Napi::Number::New(env, pid), Napi::Number::New(env, end.exitCode),
                   Napi::Number::New(env, end.signal), Napi::Boolean::New(env, end.isGroupLeft)});
  }
}

// spawn(file, directory, words, environment, output, errors): number of the process and its start time, or
// below 0 the number of the fault and what is not known
Napi::Value Spawn(Spawner& spawner, const Napi::CallbackInfo& info) {
  ProcessStart start;
  start.file = info[0].As<Napi::String>().Utf8Value();
  start.directory = info[1].As<Napi::String>().Utf8Value();
  start.words = info[2].As<Napi::String>().Utf8Value();
  start.environment = info[3].As<Napi::String>().Utf8Value();
  start.output = info[4].As<Napi::Number>();
  start.errors = info[5].As<Napi::Number>();
  SpawnedProcess spawned = spawner.processes.Spawn(start);
  if (spawned.pid > 0) {
    try {
      spawner.reaper->Watch(spawned);
    } catch (const std::system_error& error) {
      // Nobody would hear of its end.
      kill(-spawned.pid, SIGKILL);
      WaitForEnd(spawned.pid);
      spawned.pid = -error.code().value();
    }
  }
  Napi::Array answer = Napi::Array::New(info.Env(), 2);
  answer[0U] = Napi::Number::New(info.Env(), spawned.pid);
  answer[1U] = Napi::Number::New(info.Env(), static_cast<double>(spawned.startTime));
  return answer;
}

}  // namespace

Napi::Value OpenSpawner(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const auto spawner = std::make_shared<Spawner>();
    spawner->notify =
        Napi::ThreadSafeFunction::New(env, info[0].As<Napi::Function>(), "mpibatch processes", 0, 1);
    spawner->notify.Unref(env);
    spawner->reaper = std::make_unique<ProcessReaper>([spawner = spawner.get()] {
      spawner->notify.NonBlockingCall([spawner](Napi::Env callEnv, const Napi::Function& listener) {
        TellEnds(*spawner, callEnv, listener);
      });
    });
    // Before the function is taken apart that the reaper's thread calls.
    Napi::Env(env).AddCleanupHook([spawner] { spawner->reaper.reset(); });
    Napi::Object object = Napi::Object::New(env);
    object["spawn"] = Napi::Function::New(
        env, [spawner](const Napi::CallbackInfo& call) { return Spawn(*spawner, call); }, "spawn");
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
