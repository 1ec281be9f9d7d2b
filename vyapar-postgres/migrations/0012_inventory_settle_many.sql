-- Moves of reservations for many callers at once. Replaces vyapar.settle; the same rules about
-- waiting as in reserve_many.

drop function vyapar.settle(uuid[], uuid[], integer[], varchar[], varchar[], timestamptz[], integer);

create type vyapar.settle_answer as (
    request  integer, -- by its place in the arguments; null: all of them
    standing varchar, -- its state; `other` where the key has another attempt or order; `absent`; `locked`
    store_id uuid,    -- for locked: the level that somebody else has locked; null: the reservation
    product  uuid
);

-- Moves different reservations of any stores, each on its own: `commit`, `undo`, `cancel`,
-- `dispatch`, `close`. They come by (store, id).
create function vyapar.settle_many(
    p_stores uuid[], p_store uuid[], p_id uuid[], p_attempt integer[], p_order varchar[], p_move varchar[],
    p_now timestamptz[], p_wait_store uuid, p_wait_product uuid, p_wait_request integer, p_lock_timeout integer
) returns setof vyapar.settle_answer
language plpgsql as $$
#variable_conflict use_column
declare
    v_count    integer := cardinality(p_id);
    v_done     integer;
    v_answers  varchar[] := array_fill('absent'::varchar, array[v_count]);
    v_found    vyapar.reservations;
    v_rows     vyapar.reservations[] := '{}';
    v_numbers  integer[] := '{}';
    v_stores   uuid[];
    v_products uuid[];
    v_n        integer;
    v_move     varchar;
    v_now      timestamptz;
    v_row      record;
    v_entries  vyapar.stock_entry[];
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    if p_wait_product is not null then
        perform vyapar.wait_for_level(p_wait_store, p_wait_product);
    end if;
    if p_wait_request is not null then
        perform vyapar.wait_for_reservation(p_store[p_wait_request], p_id[p_wait_request]);
    end if;

    -- The common case: all are commits of what is held.
    if 'commit' = all (p_move) then
        with free as (
            select s.store_id, s.id, r.now
              from unnest(p_store, p_id, p_attempt, p_order, p_now) as r(store_id, id, attempt, order_id, now)
              join vyapar.reservations s on s.store_id = r.store_id and s.id = r.id
             where s.state = 'held' and s.attempt = r.attempt and s.order_id = r.order_id
               for no key update of s skip locked
        )
        update vyapar.reservations s set state = 'committed', open = false, updated_at = f.now
          from free f where s.store_id = f.store_id and s.id = f.id;
        get diagnostics v_done = row_count;
        if v_done = v_count then
            return next (null, 'committed', null, null)::vyapar.settle_answer;
            return;
        end if;
        -- Those just committed are met again below, and answer that they are.
    end if;

    -- An undo of a hold that was never seen leaves a tombstone, so that a reserve arriving
    -- late is refused.
    if 'undo' = any (p_move) then
        for v_row in
            with inserted as (
                insert into vyapar.reservations (store_id, id, attempt, order_id, state, open, product_ids, quantities,
                        given_back, revision, due, recover_at, failures, created_at, updated_at)
                select r.store_id, r.id, r.attempt, r.order_id, 'released', true, '{}', '{}', '{}', 0, r.now, r.now, 0,
                       r.now, r.now
                  from unnest(p_store, p_id, p_attempt, p_order, p_move, p_now)
                       as r(store_id, id, attempt, order_id, move, now)
                 where r.move = 'undo'
                on conflict (store_id, id) do nothing
                returning store_id, id
            )
            select r.n from inserted i
              join unnest(p_store, p_id) with ordinality as r(store_id, id, n)
                on r.store_id = i.store_id and r.id = i.id
        loop
            v_answers[v_row.n] := 'released';
        end loop;
    end if;

    for v_row in
        select r.n, s as found
          from unnest(p_store, p_id) with ordinality as r(store_id, id, n)
          join vyapar.reservations s on s.store_id = r.store_id and s.id = r.id
         where v_answers[r.n] = 'absent'
           for no key update of s skip locked
    loop
        v_found := v_row.found;
        v_rows := v_rows || v_found;
        v_numbers := v_numbers || v_row.n::integer;
    end loop;

    -- The levels that these may change, as far as they can be had.
    if not ('commit' = all (p_move) or 'close' = all (p_move)) then
        select array_agg(k.store_id), array_agg(k.store_product_id) into v_stores, v_products
          from (select l.store_id, l.store_product_id
                  from (select distinct f.store_id, h.product
                          from unnest(v_rows) f, unnest(f.product_ids, f.quantities) as h(product, quantity)
                         where h.quantity > 0 and f.state in ('held', 'committed')) w
                  join vyapar.stock_levels l on l.store_id = w.store_id and l.store_product_id = w.product
                   for no key update of l skip locked) k;
    end if;

    for v_at in 1..cardinality(v_numbers) loop
        v_found := v_rows[v_at];
        v_n := v_numbers[v_at];
        v_move := p_move[v_n];
        v_now := p_now[v_n];
        if v_found.attempt <> p_attempt[v_n] or v_found.order_id <> p_order[v_n] then
            v_answers[v_n] := 'other';
            if v_move = 'undo' and v_found.state = 'released' and not v_found.open
               and v_found.attempt < p_attempt[v_n] then
                update vyapar.reservations s
                   set attempt = p_attempt[v_n], order_id = p_order[v_n], fingerprint = null, open = true,
                       product_ids = '{}', quantities = '{}', given_back = '{}', revision = 0, due = v_now,
                       recover_at = v_now, failures = 0, created_at = v_now, updated_at = v_now
                 where s.store_id = v_found.store_id and s.id = v_found.id;
                v_answers[v_n] := 'released';
            end if;
            continue;
        end if;
        v_answers[v_n] := v_found.state;
        if v_move = 'commit' and v_found.state = 'held' then
            v_answers[v_n] := 'committed';
            update vyapar.reservations s set state = 'committed', open = false, updated_at = v_now
             where s.store_id = v_found.store_id and s.id = v_found.id;
            continue;
        elsif v_move in ('cancel', 'close') and v_found.state = 'released' and v_found.open then
            update vyapar.reservations s set open = false, updated_at = v_now
             where s.store_id = v_found.store_id and s.id = v_found.id;
            continue;
        elsif not (v_move in ('undo', 'cancel') and v_found.state = 'held'
                   or v_move in ('cancel', 'dispatch') and v_found.state = 'committed') then
            continue;
        end if;

        -- What changes levels waits where it cannot have all of them.
        select l.store_id, l.store_product_id into v_row
          from unnest(v_found.product_ids, v_found.quantities) as h(product, quantity)
          join vyapar.stock_levels l on l.store_id = v_found.store_id and l.store_product_id = h.product
         where h.quantity > 0
           and not exists (select from unnest(v_stores, v_products) as k(store_id, product)
                            where k.store_id = l.store_id and k.product = l.store_product_id)
         limit 1;
        if found then
            v_answers[v_n] := 'locked';
            return next (v_n, 'locked', v_row.store_id, v_row.store_product_id)::vyapar.settle_answer;
        elsif v_move = 'dispatch' then
            v_answers[v_n] := 'dispatched';
            v_entries := v_entries || vyapar.entries_of(v_found, 0, null, v_now);
            update vyapar.reservations s set state = 'dispatched', updated_at = v_now
             where s.store_id = v_found.store_id and s.id = v_found.id;
        else
            v_answers[v_n] := 'released';
            v_entries := v_entries || vyapar.entries_of(v_found, 1, 'return', v_now);
            update vyapar.reservations s
               set state = 'released', open = (v_move = 'undo'), recover_at = v_now, updated_at = v_now
             where s.store_id = v_found.store_id and s.id = v_found.id;
        end if;
    end loop;
    if cardinality(v_entries) > 0 then
        perform vyapar.book_stock(v_entries);
    end if;

    return query
        select r.n::integer, case when s.id is null then r.standing else 'locked' end, null::uuid, null::uuid
          from unnest(p_store, p_id, v_answers) with ordinality as r(store_id, id, standing, n)
          -- There, and yet not had above: somebody else has locked it.
          left join vyapar.reservations s
            on r.standing = 'absent' and s.store_id = r.store_id and s.id = r.id
         where r.standing <> 'locked';
end
$$;
