-- What every statement of a batch of orders did again, whatever its rows were.

-- Writers wait from here on, in the order in which most of them take these; readers only for what
-- comes after the indexes.
lock table vyapar.reservations, vyapar.order_status_history, vyapar.orders, vyapar.order_items, vyapar.audit_logs,
    vyapar.stock_movements in share row exclusive mode;

-- Orders of all stores come in the order of their ids: at the end of the index, wherever they
-- are from, and ids are told apart by the first column.
create unique index order_items_line on vyapar.order_items (order_id, line_no, store_id);
create unique index order_status_history_version on vyapar.order_status_history (order_id, version, store_id);
alter table vyapar.order_status_history drop constraint order_status_history_pkey;
alter table vyapar.order_status_history
    add constraint order_status_history_pkey primary key using index order_status_history_version;
alter table vyapar.order_items drop constraint order_items_pkey;
alter table vyapar.order_items add constraint order_items_pkey primary key using index order_items_line;

-- The adapter writes three lists of one length, and refuses a reservation with others when it reads
-- one. As a check of the table, that was read from its text by every statement.
alter table vyapar.reservations drop constraint reservations_check;

-- The amounts of orders and reservations arrive as the tables have them, so nothing turns each into
-- what it is already.
alter type vyapar.order_row
    alter attribute subtotal_amount type numeric(15, 2) cascade,
    alter attribute discount_amount type numeric(15, 2) cascade,
    alter attribute tax_amount type numeric(15, 2) cascade,
    alter attribute delivery_fee type numeric(15, 2) cascade,
    alter attribute total_amount type numeric(15, 2) cascade;
alter type vyapar.order_item_row
    alter attribute quantity type numeric(12, 3) cascade,
    alter attribute ordered_quantity type numeric(12, 3) cascade,
    alter attribute unit_price type numeric(15, 2) cascade,
    alter attribute mrp type numeric(15, 2) cascade,
    alter attribute tax_rate type numeric(5, 2) cascade,
    alter attribute taxable_amount type numeric(15, 2) cascade,
    alter attribute cgst_amount type numeric(15, 2) cascade,
    alter attribute sgst_amount type numeric(15, 2) cascade,
    alter attribute igst_amount type numeric(15, 2) cascade,
    alter attribute tax_amount type numeric(15, 2) cascade,
    alter attribute discount_amount type numeric(15, 2) cascade,
    alter attribute total_amount type numeric(15, 2) cascade;
alter type vyapar.reserve_request
    alter attribute quantities type numeric(12, 3)[] cascade,
    alter attribute given_back type numeric(12, 3)[] cascade;

-- Rows are written for the stores that a transaction named, and for no others. Who sees all stores
-- (recovery, sweeps) names those he changes something of.
do $$
declare
    v_table varchar;
begin
    foreach v_table in array array['orders', 'order_items', 'order_status_history', 'reservations', 'stock_movements'] loop
        execute format($policy$
            alter policy store_isolation on vyapar.%I
                with check (store_id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[]))
            $policy$, v_table);
    end loop;
end
$$;
alter policy store_isolation on vyapar.audit_logs
    with check (
        store_id is null
        or store_id = any ((select nullif(current_setting('vyapar.stores', true), '')::uuid[])::uuid[]));

-- Begins a transaction that sees all stores and changes rows of one.
create function vyapar.enter_all_stores_for(p_store uuid, p_lock_timeout integer) returns void
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    perform set_config('vyapar.all_stores', 'on', true);
end
$$;

-- As before.
create or replace function vyapar.replace_order_text(
    p_store uuid, p_order varchar, p_column varchar, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores_for(p_store, p_lock_timeout);
    update vyapar.orders o
       set customer_name = case p_column when 'customer_name' then p_to else o.customer_name end,
           customer_phone = case p_column when 'customer_phone' then p_to else o.customer_phone end,
           delivery_address = case p_column when 'delivery_address' then p_to else o.delivery_address end,
           delivery_notes = case p_column when 'delivery_notes' then p_to else o.delivery_notes end,
           customer_note = case p_column when 'customer_note' then p_to else o.customer_note end,
           cancel_reason = case p_column when 'cancel_reason' then p_to else o.cancel_reason end
     where o.store_id = p_store and o.id = p_order
       and p_from = case p_column when 'customer_name' then o.customer_name
                                  when 'customer_phone' then o.customer_phone
                                  when 'delivery_address' then o.delivery_address
                                  when 'delivery_notes' then o.delivery_notes
                                  when 'customer_note' then o.customer_note
                                  when 'cancel_reason' then o.cancel_reason end;
    return found;
end
$$;

-- As before.
create or replace function vyapar.replace_history_text(
    p_store uuid, p_order varchar, p_version bigint, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores_for(p_store, p_lock_timeout);
    update vyapar.order_status_history h set notes = p_to
     where h.store_id = p_store and h.order_id = p_order and h.version = p_version and h.notes = p_from;
    return found;
end
$$;

-- As before.
create or replace function vyapar.replace_line_text(
    p_store uuid, p_order varchar, p_item uuid, p_from bytea, p_to bytea, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter_all_stores_for(p_store, p_lock_timeout);
    update vyapar.order_items i set notes = p_to
     where i.store_id = p_store and i.order_id = p_order and i.id = p_item and i.notes = p_from;
    return found;
end
$$;

-- As before.
create or replace function vyapar.place_all(
    p_stores uuid[], p_requests vyapar.reserve_request[], p_levels vyapar.reserve_level[], p_lines vyapar.reserve_line[],
    p_orders vyapar.order_row[], p_items vyapar.order_item_row[], p_history vyapar.order_history_row[],
    p_audit vyapar.audit_row[], p_basis vyapar.basis_row[], p_lock_timeout integer
) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    v_before numeric[];
    v_seq    bigint[];
begin
    perform set_config('role', 'vyapar_app', true), set_config('vyapar.stores', p_stores::varchar, true),
            case when current_setting('vyapar.all_stores', true) <> '' then set_config('vyapar.all_stores', '', true) end,
            case when current_setting('vyapar.customer', true) <> '' then set_config('vyapar.customer', '', true) end,
            case when current_setting('vyapar.user', true) <> '' then set_config('vyapar.user', '', true) end,
            case when current_setting('vyapar.identity', true) <> '' then set_config('vyapar.identity', '', true) end,
            set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('lock_timeout', p_lock_timeout::varchar, true);
    insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids,
            quantities, given_back, revision, due, recover_at, failures, created_at, updated_at)
    select r.store_id, r.id, r.attempt, r.order_id, r.fingerprint, 'committed', false, r.product_ids, r.quantities,
           r.given_back, 0, r.due, r.due, 0, r.now, r.now
      from unnest(p_requests) r;
    insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, changed_by, notes, created_at)
    select h.id, h.store_id, h.order_id, h.version, h.status, h.party, h.changed_by, h.notes, h.created_at
      from unnest(p_history) h;
    insert into vyapar.orders (id, order_number, tracking_id, store_id, customer_id, customer_name, customer_phone,
            delivery_address, delivery_notes, customer_note, cancel_reason, cancelled_by, place_of_supply, fulfilment,
            status, subtotal_amount, discount_amount, tax_amount, delivery_fee, total_amount, payment_method,
            payment_status, paid_by, payment_id, reservation_id, attempt, fingerprint, dispatched, channel, language,
            estimated_delivery, effects, recover_at, failures, version, created_at, updated_at)
    select o.id, o.order_number, o.tracking_id, o.store_id, o.customer_id, o.customer_name, o.customer_phone,
           o.delivery_address, o.delivery_notes, o.customer_note, o.cancel_reason, o.cancelled_by, o.place_of_supply,
           o.fulfilment, o.status, o.subtotal_amount, o.discount_amount, o.tax_amount, o.delivery_fee, o.total_amount,
           o.payment_method, o.payment_status, o.paid_by, o.payment_id, o.reservation_id, o.attempt, o.fingerprint,
           o.dispatched, o.channel, o.language, o.estimated_delivery, o.effects, o.recover_at, o.failures, o.version,
           o.created_at, o.updated_at
      from unnest(p_orders) o;
    insert into vyapar.order_items (id, store_id, order_id, line_no, store_product_id, product_name, quantity,
            ordered_quantity, unit_price, mrp, tax_rate, taxable_amount, cgst_amount, sgst_amount, igst_amount,
            tax_amount, discount_amount, total_amount, notes, created_at)
    select i.id, i.store_id, i.order_id, i.line_no, i.store_product_id, i.product_name, i.quantity,
           i.ordered_quantity, i.unit_price, i.mrp, i.tax_rate, i.taxable_amount, i.cgst_amount, i.sgst_amount,
           i.igst_amount, i.tax_amount, i.discount_amount, i.total_amount, i.notes, i.created_at
      from unnest(p_items) i;
    insert into vyapar.audit_logs (id, store_id, user_id, action, entity_type, entity_id, old_values, new_values,
            ip_address, user_agent, created_at)
    select a.id, a.store_id, a.user_id, a.action, a.entity_type, a.entity_id, a.old_values, a.new_values, a.ip_address,
           a.user_agent, a.created_at
      from unnest(p_audit) a;
    with changed as (
        update vyapar.stock_levels l
           set current_stock = l.current_stock - p.total, reserved_stock = l.reserved_stock + p.total,
               seq = l.seq + p.count, last_stock_update = p.at
          from unnest(p_levels) with ordinality as p(store_id, product_id, total, count, at, n)
         where l.store_id = p.store_id and l.store_product_id = p.product_id and l.current_stock >= p.total
        returning p.n, l.current_stock + p.total as before, l.seq - p.count as seq
    )
    select array_agg(c.before order by c.n), array_agg(c.seq order by c.n) into v_before, v_seq from changed c;
    if cardinality(v_before) is distinct from cardinality(p_levels) then
        raise exception using errcode = 'VY005', message = 'not enough for all requests';
    end if;
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, performed_by, created_at)
    select l.store_id, l.product_id, v_seq[l.level] + l.nth, 'sale', -l.quantity, v_before[l.level] - l.sum, 'order',
           l.order_id, l.performed_by, l.now
      from unnest(p_lines) l;
    -- Two counts cost less than one outer join of both.
    if (select count(*) from unnest(p_basis) b
          join vyapar.store_products p on p.id = b.product_id and p.store_id = b.store_id and p.version = b.version)
       + (select count(*) from unnest(p_basis) b
            join vyapar.stores s on s.id = b.store_id and s.version = b.version and b.product_id is null)
       < cardinality(p_basis)
    then
        perform vyapar.check_basis(p_basis);
    end if;
end
$$;
