-- Adding orders for many callers at once. Replaces vyapar.insert_order.
--
-- Rows arrive as arrays of these types, one a table, in the binary protocol: half the work of
-- reading them from JSON. They are types of their own, so that a column added to a table later
-- does not break processes that still run the version before.

drop function vyapar.insert_order(jsonb, jsonb, jsonb, jsonb, integer);

-- Lines, history and slots are written by the one function that writes their order, in the
-- same transaction, and none of them is ever deleted. Checking each of them again is one more
-- query a row, which is no small part of what is left once a batch shares everything else.
alter table vyapar.orders drop constraint orders_store_id_id_fkey;
alter table vyapar.order_items drop constraint order_items_store_id_order_id_fkey;
alter table vyapar.order_status_history drop constraint order_status_history_store_id_order_id_fkey;

create type vyapar.order_row as (
    id varchar, order_number varchar, tracking_id varchar, store_id uuid, customer_id uuid,
    customer_name bytea, customer_phone bytea, delivery_address bytea, delivery_notes bytea, customer_note bytea,
    cancel_reason bytea, cancelled_by varchar, place_of_supply varchar, fulfilment varchar, status varchar,
    subtotal_amount numeric, discount_amount numeric, tax_amount numeric, delivery_fee numeric, total_amount numeric,
    payment_method varchar, payment_status varchar, paid_by uuid, payment_id varchar, reservation_id uuid,
    attempt integer, fingerprint bytea, dispatched boolean, channel varchar, language varchar,
    estimated_delivery timestamptz, effects jsonb, recover_at timestamptz, failures integer, version bigint,
    created_at timestamptz, updated_at timestamptz
);
create type vyapar.order_item_row as (
    id uuid, store_id uuid, order_id varchar, line_no integer, store_product_id uuid, product_name varchar,
    quantity numeric, ordered_quantity numeric, unit_price numeric, mrp numeric, tax_rate numeric,
    taxable_amount numeric, cgst_amount numeric, sgst_amount numeric, igst_amount numeric, tax_amount numeric,
    discount_amount numeric, total_amount numeric, notes varchar, created_at timestamptz
);
create type vyapar.order_history_row as (
    id uuid, store_id uuid, order_id varchar, version bigint, status varchar, party varchar, changed_by uuid,
    notes bytea, created_at timestamptz
);
create type vyapar.audit_row as (
    id uuid, store_id uuid, user_id uuid, action varchar, entity_type varchar, entity_id varchar, old_values jsonb,
    new_values jsonb, ip_address varchar, user_agent varchar, created_at timestamptz
);

-- Adds orders of any stores, all of them, and answers `inserted` for each. History and audit
-- have one row an order. A single order that cannot be added answers `already_there`,
-- `abandoned` or `tracking_id_taken`, and nothing is written; one of several ends all of it with
-- VY003, and their callers come one by one.
create function vyapar.insert_orders(
    p_stores uuid[], p_orders vyapar.order_row[], p_items vyapar.order_item_row[],
    p_history vyapar.order_history_row[], p_audit vyapar.audit_row[], p_lock_timeout integer
) returns varchar
language plpgsql as $$
begin
    perform vyapar.enter(p_stores, p_lock_timeout);
    return vyapar.add_orders(p_orders, p_items, p_history, p_audit);
end
$$;

-- The same for a caller that has entered.
create function vyapar.add_orders(
    p_orders vyapar.order_row[], p_items vyapar.order_item_row[], p_history vyapar.order_history_row[],
    p_audit vyapar.audit_row[]
) returns varchar
language plpgsql as $$
declare
    v_count     integer := cardinality(p_orders);
    v_added     integer;
    v_abandoned timestamptz;
begin
    -- Whoever inserts or abandons the same order waits here for the outcome.
    insert into vyapar.order_slots (store_id, order_id) select o.store_id, o.id from unnest(p_orders) o
    on conflict do nothing;
    get diagnostics v_added = row_count;
    if v_added < v_count and v_count > 1 then
        raise exception using errcode = 'VY003', message = 'order_slots: one of several orders is known';
    elsif v_added < v_count then
        select s.abandoned_at into v_abandoned from vyapar.order_slots s
         where s.store_id = (p_orders[1]).store_id and s.order_id = (p_orders[1]).id;
        return case when v_abandoned is null then 'already_there' else 'abandoned' end;
    end if;
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
      from unnest(p_orders) o
    on conflict (tracking_id) do nothing;
    get diagnostics v_added = row_count;
    if v_added < v_count and v_count > 1 then
        raise exception using errcode = 'VY003', message = 'orders: one of several tracking ids is taken';
    elsif v_added < v_count then
        delete from vyapar.order_slots s
         where s.store_id = (p_orders[1]).store_id and s.order_id = (p_orders[1]).id;
        return 'tracking_id_taken';
    end if;
    insert into vyapar.order_items (id, store_id, order_id, line_no, store_product_id, product_name, quantity,
            ordered_quantity, unit_price, mrp, tax_rate, taxable_amount, cgst_amount, sgst_amount, igst_amount,
            tax_amount, discount_amount, total_amount, notes, created_at)
    select i.id, i.store_id, i.order_id, i.line_no, i.store_product_id, i.product_name, i.quantity,
           i.ordered_quantity, i.unit_price, i.mrp, i.tax_rate, i.taxable_amount, i.cgst_amount, i.sgst_amount,
           i.igst_amount, i.tax_amount, i.discount_amount, i.total_amount, i.notes, i.created_at
      from unnest(p_items) i;
    insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, changed_by, notes, created_at)
    select h.id, h.store_id, h.order_id, h.version, h.status, h.party, h.changed_by, h.notes, h.created_at
      from unnest(p_history) h;
    insert into vyapar.audit_logs (id, store_id, user_id, action, entity_type, entity_id, old_values, new_values,
            ip_address, user_agent, created_at)
    select a.id, a.store_id, a.user_id, a.action, a.entity_type, a.entity_id, a.old_values, a.new_values, a.ip_address,
           a.user_agent, a.created_at
      from unnest(p_audit) a
    -- The first entry of an id stays.
    on conflict do nothing;
    return 'inserted';
end
$$;
