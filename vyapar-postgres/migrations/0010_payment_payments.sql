-- Payments of orders, each with what is owed or was given back of it (spec: payments).

create table vyapar.payments (
    id               uuid           not null primary key,
    store_id         uuid           not null,
    order_id         varchar collate "C" not null,
    amount           numeric(15, 2) not null,
    method           varchar        not null check (method in ('cash', 'upi', 'card', 'wallet', 'net_banking')),
    status           varchar        not null check (status in ('pending', 'success', 'failed', 'refunded')),
    transaction_id   varchar,
    gateway_response jsonb,
    -- What has been given back, and the causes of all refunds; written with their rows.
    refund_amount    numeric(15, 2) not null,
    refund_reason    text,
    applied          boolean        not null,
    recover_at       timestamptz,
    failures         integer        not null,
    version          bigint         not null check (version > 0),
    created_at       timestamptz    not null,
    updated_at       timestamptz    not null,
    check (refund_amount between 0 and amount)
);
create index payments_order on vyapar.payments (store_id, order_id, id);
create index payments_recover on vyapar.payments (recover_at) where recover_at is not null;
create index payments_failing on vyapar.payments (failures, id) where failures > 0;

create table vyapar.refunds (
    id         uuid           not null primary key,
    store_id   uuid           not null,
    payment_id uuid           not null references vyapar.payments (id),
    position   integer        not null,
    cause      varchar        not null,
    amount     numeric(15, 2) not null check (amount > 0),
    status     varchar        not null check (status in ('requested', 'success', 'failed')),
    created_at timestamptz    not null,
    constraint refunds_cause unique (payment_id, cause)
);
create index refunds_payment on vyapar.refunds (store_id, payment_id, position);

select from vyapar.isolate_by_store('payments');
select from vyapar.isolate_by_store('refunds');
grant select, insert, update on vyapar.payments, vyapar.refunds to vyapar_app;

-- Adds a payment; false where its id stands already.
create function vyapar.insert_payment(p_payment jsonb, p_refunds jsonb, p_audit jsonb, p_lock_timeout integer)
returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_payment ->> 'store_id')::uuid], p_lock_timeout);
    insert into vyapar.payments select * from jsonb_populate_record(null::vyapar.payments, p_payment)
    on conflict (id) do nothing;
    if not found then
        return false;
    end if;
    insert into vyapar.refunds select * from jsonb_populate_recordset(null::vyapar.refunds, p_refunds);
    perform vyapar.insert_audit(p_audit);
    return true;
end
$$;

-- Stores the new state and its refunds where the version is the expected one; says whether
-- it was. Refunds are added and change their status, never more.
create function vyapar.update_payment(
    p_payment jsonb, p_refunds jsonb, p_expected bigint, p_audit jsonb, p_lock_timeout integer
) returns boolean
language plpgsql as $$
begin
    perform vyapar.enter(array[(p_payment ->> 'store_id')::uuid], p_lock_timeout);
    update vyapar.payments p
       set status = n.status, transaction_id = n.transaction_id, gateway_response = n.gateway_response,
           refund_amount = n.refund_amount, refund_reason = n.refund_reason, applied = n.applied,
           recover_at = n.recover_at, failures = n.failures, version = p_expected + 1, updated_at = n.updated_at
      from jsonb_populate_record(null::vyapar.payments, p_payment) n
     where p.store_id = n.store_id and p.id = n.id and p.version = p_expected;
    if not found then
        return false;
    end if;
    insert into vyapar.refunds select * from jsonb_populate_recordset(null::vyapar.refunds, p_refunds)
    on conflict (id) do update set status = excluded.status where refunds.status <> excluded.status;
    if p_audit is not null then
        perform vyapar.insert_audit(p_audit);
    end if;
    return true;
end
$$;

-- A payment's refunds as they stand, amounts as text. Read in the statement that reads the
-- payment, so that the two are of one state.
create function vyapar.refunds_of(p_store uuid, p_payment uuid) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'id', r.id, 'cause', r.cause, 'amount', r.amount::text, 'status', r.status,
               'created_at', r.created_at) order by r.position), '[]')
      from vyapar.refunds r
     where r.store_id = p_store and r.payment_id = p_payment
$$;

create function vyapar.find_payment(p_store uuid, p_id uuid, p_lock_timeout integer)
returns table (found vyapar.payments, refunds jsonb)
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query
        select p, vyapar.refunds_of(p.store_id, p.id) from vyapar.payments p
         where p.store_id = p_store and p.id = p_id;
end
$$;

create function vyapar.find_payments_of_order(p_store uuid, p_order varchar, p_limit integer, p_lock_timeout integer)
returns table (found vyapar.payments, refunds jsonb)
language plpgsql as $$
begin
    perform vyapar.enter(array[p_store], p_lock_timeout);
    return query
        select p, vyapar.refunds_of(p.store_id, p.id) from vyapar.payments p
         where p.store_id = p_store and p.order_id = p_order order by p.id limit p_limit;
end
$$;
