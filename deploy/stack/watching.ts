/** What people look at: one dashboard, and a budget. */
import { Duration } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { Dashboard, GraphWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { StackOptions } from './options.ts';
import type { Storage } from './storage.ts';

const MINUTE = Duration.minutes(1);

export class Watching extends Construct {
  constructor(scope: Construct, { options, storage }: { options: StackOptions; storage: Storage }) {
    super(scope, 'Watching');
    const { requests, replies, deadLetters } = storage;
    const oldest = requests.metricApproximateAgeOfOldestMessage({ period: MINUTE });
    const dead = deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE });
    new Dashboard(this, 'Dashboard', {
      dashboardName: `elastic-face-${options.id}`,
      widgets: [
        [
          new GraphWidget({
            title: 'Requests',
            left: [
              requests.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
              requests.metricApproximateNumberOfMessagesNotVisible({ period: MINUTE }),
              replies.metricApproximateNumberOfMessagesVisible({ period: MINUTE }),
            ],
          }),
          new GraphWidget({ title: 'Oldest request, seconds', left: [oldest] }),
          new GraphWidget({ title: 'Dead letters', left: [dead] }),
        ],
      ],
    });
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: options.budgetDollars, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:elastic-face:project$${options.id}`] },
      },
      ...(options.email === undefined
        ? {}
        : {
            notificationsWithSubscribers: [
              {
                notification: {
                  notificationType: 'ACTUAL',
                  comparisonOperator: 'GREATER_THAN',
                  threshold: 80,
                },
                subscribers: [{ subscriptionType: 'EMAIL', address: options.email }],
              },
            ],
          }),
    });
  }
}
