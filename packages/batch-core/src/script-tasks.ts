import type { PlannedTask, PlannedTasks } from './state-store.ts'
import type { TaskDefinition } from './task-definition.ts'
import { digestOf, scriptFingerprint, scriptSummary } from './task-fingerprint.ts'

/** The tasks of a job script. What is kept of them beside their definitions is made when it is asked for. */
export class ScriptTasks implements PlannedTasks {
  readonly length: number
  readonly #definitions: readonly TaskDefinition[]
  readonly #version: string
  #digest: string | undefined

  /** @param version - As `version` of `BatchOptions`. */
  constructor(definitions: readonly TaskDefinition[], version: string) {
    this.length = definitions.length
    this.#definitions = definitions
    this.#version = version
  }

  get digest(): string {
    this.#digest ??= digestOf(['script', this.#version], [this.#definitions])
    return this.#digest
  }

  at(index: number): PlannedTask | undefined {
    const definition = this.#definitions[index]
    return definition === undefined ? undefined : new ScriptTask(definition, this.#version)
  }

  *[Symbol.iterator](): Generator<PlannedTask> {
    for (const definition of this.#definitions) yield new ScriptTask(definition, this.#version)
  }
}

/** Most who ask for a task want its name alone. */
class ScriptTask implements PlannedTask {
  readonly name: string
  readonly values?: NonNullable<TaskDefinition['values']>
  readonly #version: string

  constructor({ name, values }: TaskDefinition, version: string) {
    this.name = name
    if (values !== undefined) this.values = values
    this.#version = version
  }

  get fingerprint(): string {
    return scriptFingerprint(this, this.#version)
  }

  get summary(): string {
    return scriptSummary(this, this.#version)
  }
}
