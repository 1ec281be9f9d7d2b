-- Stock and order in one transaction, for many callers at once.

-- Reserves, inserts and commits; requests as in reserve_many, and one order, one row of history
-- and one audit entry a request, in the requests' order. Answers as reserve_many: `held` is
-- placed. An order's or tracking id that is taken ends all of it with VY003; of a single order
-- the detail is what add_orders says, of several the callers come one by one.
create function vyapar.place_many(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_turn integer[], p_orders vyapar.order_row[], p_items vyapar.order_item_row[],
    p_history vyapar.order_history_row[], p_audit vyapar.audit_row[],
    p_wait_level integer, p_wait_request integer, p_lock_timeout integer
) returns setof vyapar.reserve_answer
language plpgsql as $$
declare
    v_answers vyapar.reserve_answer[];
    v_placed  integer[];
    v_added   varchar := 'inserted';
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    if p_wait_level is not null or p_wait_request is not null then
        perform vyapar.wait_for(p_requests, p_levels, p_wait_level, p_wait_request);
    end if;
    if vyapar.hold_all(p_requests, p_levels, p_lines, true) then
        v_added := vyapar.add_orders(p_orders, p_items, p_history, p_audit);
        return next (null, 'held', null, null, null, null)::vyapar.reserve_answer;
    else
        v_answers := array(select r from vyapar.reserve_in_turn(p_requests, p_levels, p_lines, p_turn, true) r);
        v_placed := array(select a.request from unnest(v_answers) a where a.outcome = 'held' order by a.request);
        if cardinality(v_placed) > 0 then
            v_added := vyapar.add_orders(
                array(select p_orders[n] from unnest(v_placed) n),
                array(select i from unnest(p_items) i
                       where (i.store_id, i.order_id) in
                             (select (p_orders[n]).store_id, (p_orders[n]).id from unnest(v_placed) n)),
                array(select p_history[n] from unnest(v_placed) n),
                array(select p_audit[n] from unnest(v_placed) n));
        end if;
        return query select * from unnest(v_answers);
    end if;
    if v_added <> 'inserted' then
        raise exception using errcode = 'VY003', message = 'an order or tracking id is taken', detail = v_added;
    end if;
end
$$;
