// Talks to a server as any user of the openai package does: node client.mjs URL. Prints "done" when all holds.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: 'none', maxRetries: 0 });
const model = 'kvflux-reference';

async function wholeAnswer() {
  const completion = await client.completions.create({ model, prompt: 'Hello', max_tokens: 12, seed: 1 });
  assert.equal(completion.object, 'text_completion');
  assert.equal(completion.model, model);
  assert.match(completion.choices[0].text, /^[ -~]{12}$/);
  assert.equal(completion.choices[0].finish_reason, 'length');
  assert.equal(completion.usage.total_tokens, 17);
  return completion.choices[0].text;
}

async function stream(expected) {
  const events = await client.completions.create({
    model, prompt: 'Hello', max_tokens: 12, seed: 1, stream: true, stream_options: { include_usage: true },
  });
  let text = '';
  let usage = null;
  for await (const event of events) {
    text += event.choices[0]?.text ?? '';
    usage = event.usage ?? usage;
  }
  assert.equal(text, expected);
  assert.equal(usage.completion_tokens, 12);
}

async function severalChoices() {
  const completion = await client.completions.create({ model, prompt: [[72, 105], [72, 111]], n: 2, max_tokens: 3 });
  assert.deepEqual(completion.choices.map(choice => choice.index), [0, 1, 2, 3]);
}

async function models() {
  const ids = [];
  for await (const found of client.models.list()) {
    ids.push(found.id);
  }
  assert.deepEqual(ids, [model]);
  assert.equal((await client.models.retrieve(model)).id, model);
}

async function errors() {
  await assert.rejects(
    client.completions.create({ model, prompt: 'Hello', max_tokens: 1_000_000 }),
    error => error instanceof OpenAI.BadRequestError && error.status === 400
      && error.code === 'context_length_exceeded' && error.error.code === error.code && error.param === 'prompt');
  await assert.rejects(
    client.completions.create({ model: 'other', prompt: 'Hello' }),
    error => error instanceof OpenAI.NotFoundError && error.error.code === 'model_not_found');
  await assert.rejects(
    client.completions.create({ model, prompt: 'Hello', logprobs: 1, stream: true }),
    error => error.status === 400 && error.error.code === 'unsupported_parameter' && error.param === 'logprobs');
}

async function leaveAStream() {
  const events = await client.completions.create({ model, prompt: 'Hello', max_tokens: 1500, stream: true });
  let seen = 0;
  for await (const event of events) {
    assert.equal(event.choices[0].text.length, 1);
    if (++seen === 10) {
      events.controller.abort();
    }
  }
  assert.ok(seen < 1500, `${seen} events came after all`);
}

await stream(await wholeAnswer());
await severalChoices();
await models();
await errors();
await leaveAStream();
console.log('done');
