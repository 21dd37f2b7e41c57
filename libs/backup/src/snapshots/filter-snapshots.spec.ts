// Which snapshots the options choose, which of them are the last, how they are grouped and named.
import { describe, expect, it } from 'vitest';
import { type ObjectId, ProtocolError } from '#protocol';
import { filterSnapshots, lastOfEachPlace, type SnapshotFilter } from './filter-snapshots.js';
import { groupSnapshots, parseGroupings } from './group-snapshots.js';
import { shortIdsOf } from './short-ids.js';
import { testSnapshot } from './testing-snapshots.js';

const LIST = [
  testSnapshot({ hostname: 'a', paths: ['/x'], tags: [] }),
  testSnapshot({ hostname: 'b', paths: ['/x', '/y'], tags: ['home'] }),
  testSnapshot({ hostname: 'a', paths: ['/y', '/x'], tags: ['home', 'work'] }),
  testSnapshot({ hostname: 'c', paths: ['/x', '/y'], tags: ['work'] }),
  testSnapshot({ hostname: 'a', paths: ['/x', '/y'], tags: ['work'] }),
];

const positionsOf = (chosen: typeof LIST): number[] => chosen.map((stored) => LIST.indexOf(stored));
const chosen = (filter: Partial<SnapshotFilter>): number[] =>
  positionsOf(filterSnapshots(LIST, { hosts: [], tags: [], paths: [], ...filter }));

describe('filterSnapshots', () => {
  it.each<[string, Partial<SnapshotFilter>, number[]]>([
    ['nothing: all', {}, [0, 1, 2, 3, 4]],
    ['a host', { hosts: ['a'] }, [0, 2, 4]],
    ['one of two hosts', { hosts: ['b', 'c'] }, [1, 3]],
    ['a tag', { tags: [['home']] }, [1, 2]],
    ['both tags of a list', { tags: [['home', 'work']] }, [2]],
    ['one of two lists', { tags: [['home'], ['work']] }, [1, 2, 3, 4]],
    ['no tag', { tags: [['']] }, [0]],
    ['no tag, or one', { tags: [[''], ['home']] }, [0, 1, 2]],
    ['a path', { paths: ['/y'] }, [1, 2, 3, 4]],
    ['both of two paths', { paths: ['/x', '/y'] }, [1, 2, 3, 4]],
    ['a path that only begins so', { paths: ['/x/y'] }, []],
    ['all three', { hosts: ['a'], tags: [['work']], paths: ['/y'] }, [2, 4]],
  ])('%s', (_what, filter, expected) => expect(chosen(filter)).toEqual(expected));
});

describe('lastOfEachPlace', () => {
  it('takes the last of each host with the same paths, whatever their order', () => {
    expect(positionsOf(lastOfEachPlace(LIST, 1))).toEqual([0, 1, 3, 4]);
    expect(positionsOf(lastOfEachPlace(LIST, 2))).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('groupSnapshots', () => {
  it.each([
    ['', [[0, 1, 2, 3, 4]]],
    ['host', [[0, 2, 4], [1], [3]]],
    ['host,paths', [[0], [2, 4], [1], [3]]],
    ['paths', [[0], [1, 2, 3, 4]]],
    ['tags', [[0], [1], [2], [3, 4]]],
  ])('by %j', (text, expected) => {
    const groups = groupSnapshots(LIST, parseGroupings(text)).map(({ snapshots }) => positionsOf([...snapshots]));
    expect(groups.sort()).toEqual(expected.toSorted());
  });

  it('says what a group shares, sorted, and null for the rest', () => {
    const [group] = groupSnapshots([LIST[2]!], ['paths']);
    expect(group!.key).toEqual({ hostname: null, paths: ['/x', '/y'], tags: null });
    expect(groupSnapshots([], ['host'])).toEqual([]);
  });

  it('knows no other groups', () => {
    expect(parseGroupings('host, path,tag')).toEqual(['host', 'paths', 'tags']);
    expect(() => parseGroupings('host,time')).toThrow(ProtocolError);
  });
});

describe('shortIdsOf', () => {
  const id = (end: string): ObjectId => `01900000-0000-7000-${end}` as ObjectId;

  it.each<[string, string[], string[]]>([
    ['eight characters', ['8000-000011111111', '8000-000022222222'], ['11111111', '22222222']],
    ['twelve where eight are equal', ['8000-000011111111', '8000-000111111111'], ['000011111111', '000111111111']],
    ['more where twelve are', ['8000-000011111111', '8001-000011111111'], ['8000-000011111111', '8001-000011111111']],
    ['eight for one that is listed twice', ['8000-000011111111', '8000-000011111111'], ['11111111', '11111111']],
  ])('takes %s', (_what, ends, expected) => {
    const ids = ends.map(id);
    expect(ids.map(shortIdsOf(ids))).toEqual(expected);
  });
});
